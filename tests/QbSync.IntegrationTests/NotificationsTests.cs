using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>Both roles as the executable runs them, with receivers of what happens.</summary>
internal sealed class NotificationsTests
{
    [Test]
    [HostCase(42)]
    public async Task Receiver_ThatHangs_KeepsNothingAndIsToldOfAll()
    {
        await using var receiver = new SlowReceiver();
        var torrents = Enumerable.Range(0, 6).Select(static seed => new TorrentBuilder($"film{seed}") { Length = 300_000, Seed = seed }.Build()).ToArray();
        await using (var nodes = new TwoNodes())
        {
            Array.ForEach(torrents, nodes.AddAtSource);
            await nodes.StartAsync([("webhook-url", receiver.Address)], [("webhook-url", receiver.Address)]);

            // More than can be on their way at once: whoever waited for one would not come to the last.
            await nodes.AllSyncedAsync(torrents.Length);
            await receiver.HasRequestsAsync(1);
            receiver.AnswerAll();
            await receiver.HasRequestsAsync(2 * torrents.Length);
        }

        foreach (var role in new[] { "source", "destination" })
        {
            var told = receiver.Requests.Where(request => request.Contains($"\"mode\":\"{role}\"", StringComparison.Ordinal)).ToArray();
            Assert.That(torrents.Where(torrent => !told.Any(request => request.Contains(torrent.Id.ToString(), StringComparison.Ordinal))), Is.Empty, role);
            Assert.That(told, Is.All.Contain("\"event\":\"torrent.synced\""));
        }
    }

    /// <summary>Takes requests and answers none until it is told to. One request a connection.</summary>
    private sealed class SlowReceiver : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly TaskCompletionSource _answers = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ConcurrentDictionary<string, string> _requests = new();
        private readonly Task _accepting;

        public SlowReceiver()
        {
            _listener.Start();
            _accepting = AcceptAsync();
        }

        public string Address => $"http://{_listener.LocalEndpoint}/told";

        /// <summary>Each that came, by its delivery's id: one whose answer came too late comes again.</summary>
        public IEnumerable<string> Requests => _requests.Values;

        public void AnswerAll() => _answers.TrySetResult();

        public Task HasRequestsAsync(int count) => Eventually.BecomesTrueAsync(() => _requests.Count >= count);

        public async ValueTask DisposeAsync()
        {
            AnswerAll();
            _listener.Stop();
            await _accepting.DefaultTimeout();
        }

        private async Task AcceptAsync()
        {
            List<Task> answering = [];
            try
            {
                while (true)
                {
                    answering.Add(AnswerAsync(await _listener.AcceptTcpClientAsync()));
                }
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException)
            {
                await Task.WhenAll(answering);
            }
        }

        private async Task AnswerAsync(TcpClient connection)
        {
            using var owned = connection;
            try
            {
                var stream = connection.GetStream();
                var text = new StringBuilder();
                var buffer = new byte[8192];
                while (!text.ToString().EndsWith("}", StringComparison.Ordinal) && await stream.ReadAsync(buffer) is var read and > 0)
                {
                    text.Append(Encoding.UTF8.GetString(buffer, 0, read));
                }

                var request = text.ToString();
                const string Header = "X-QbSync-Delivery: ";
                if (request.IndexOf(Header, StringComparison.Ordinal) is var at and >= 0)
                {
                    _requests[request.Substring(at + Header.Length, 32)] = request;
                }

                await _answers.Task;
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
            }
            catch (IOException)
            {
                // The sender has given up.
            }
        }
    }
}
