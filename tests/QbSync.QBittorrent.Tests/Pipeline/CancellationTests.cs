using System.Net;
using QbSync.Ports;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Pipeline;

internal sealed class CancellationTests
{
    // The clock stands still, so nothing but the cancellation can end a call.
    [TestCase("backoff"), TestCase("slot"), TestCase("body"), TestCase("answer"), ClientCase(54)]
    public async Task Cancelled_WhereverItWaits_EndsAtOnceAndIsNeutral(string where)
    {
        await using var client = new ScriptedClient(configure: static options => (options.LightSlots, options.BreakerThreshold) = (1, 2));
        EveryMethod.Answer(client.Server);
        await client.Client.DescribeAsync(false, default);
        var held = new TaskCompletionSource<HttpResponseMessage>();
        Task? other = null;
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        switch (where)
        {
            case "backoff":
                client.Server.Do("torrents/categories", () => Task.FromResult(ScriptedServer.Make(HttpStatusCode.InternalServerError, [])));
                break;
            case "slot":
                client.Server.Do("torrents/files", () => held.Task);
                other = client.Api.GetFilesInformationAsync(ScriptedClient.Id, default);
                break;
            case "body":
                client.Server.Do("torrents/categories", () => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(new EndlessStream(reached)) }));
                break;
            case "answer":
                client.Server.Do("torrents/categories", () => held.Task);
                break;
        }

        using var caller = new CancellationTokenSource();
        var call = client.Api.GetCategoriesAsync(caller.Token);
        await (where == "body" ? reached.Task : Eventually.BecomesTrueAsync(() => client.Server.Count(where == "slot" ? "torrents/files" : "torrents/categories") == 1)).DefaultTimeout();
        Assert.That(call.IsCompleted, Is.False);
        await caller.CancelAsync();
        Assert.That(async () => await call.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>(), "and not after any time: there is none");

        held.TrySetResult(ScriptedServer.Make(HttpStatusCode.OK, "[]"u8.ToArray()));
        await (other ?? Task.CompletedTask).DefaultTimeout();
        Assert.That(client.Client.Availability.Gate, Is.EqualTo(ClientGate.Closed));
        Assert.That(await client.Api.GetCategoriesAsync(default).DefaultTimeout(), Is.Empty, "its slot is free again");
        Assert.That(client.Metric("qbsync_qb_api_errors_total", "transient"), Is.Zero);
        Assert.That(client.Metric("qbsync_circuit_breaker_trips_total"), Is.Zero);
    }

    [Test, ClientCase(54)]
    public async Task Cancelled_JustAsAFailureComes_IsNotTriedAgain()
    {
        await using var client = new ScriptedClient(configure: static options => options.BreakerThreshold = 2);
        EveryMethod.Answer(client.Server);
        await client.Client.DescribeAsync(false, default);
        using var caller = new CancellationTokenSource();
        client.Server.Do("torrents/categories", () =>
        {
            caller.Cancel();
            return Task.FromResult(ScriptedServer.Make(HttpStatusCode.InternalServerError, []));
        });
        Assert.That(async () => await client.Api.GetCategoriesAsync(caller.Token).DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(client.Server.Count("torrents/categories"), Is.EqualTo(1));
        Assert.That(client.Metric("qbsync_qb_api_errors_total", "transient"), Is.Zero);
    }

    [Test, ClientCase(54)]
    public async Task Cancelled_WhileOthersWaitForTheSameLogin_LeavesTheirsUnharmed()
    {
        await using var client = ScriptedClient.WithLogin();
        EveryMethod.Answer(client.Server);
        client.Server.Answer("app/webapiVersion", HttpStatusCode.Forbidden);
        var login = new TaskCompletionSource<HttpResponseMessage>();
        client.Server.Do("auth/login", () => login.Task);
        using var caller = new CancellationTokenSource();
        var first = client.Api.GetCategoriesAsync(caller.Token);
        var others = Enumerable.Range(0, 3).Select(_ => client.Api.GetCategoriesAsync(default)).ToList();
        await Eventually.BecomesTrueAsync(() => client.Server.Count("auth/login") == 1);
        await caller.CancelAsync();
        Assert.That(async () => await first.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
        login.SetResult(ScriptedServer.Make(HttpStatusCode.OK, "Ok."u8.ToArray()));
        await Task.WhenAll(others).DefaultTimeout();
        Assert.That(client.Server.Count("auth/login"), Is.EqualTo(1));
        Assert.That(client.Client.Availability.Gate, Is.EqualTo(ClientGate.Closed));
    }

    /// <summary>Says that it is being read, and gives nothing.</summary>
    private sealed class EndlessStream(TaskCompletionSource isRead) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            isRead.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return 0;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
