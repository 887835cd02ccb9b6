using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using QbSync.Host.Commands.Control;
using QbSync.Host.Endpoints;
using QbSync.Host.Tests.Reporting;
using QbSync.Testing.Specifications;
using Spectre.Console;

namespace QbSync.Host.Tests.Commands.Control;

internal sealed class StatusViewTests
{
    [Test]
    [HostCase(35)]
    public async Task View_RoleGoesAndComesBack_SaysSoAndGoesOnUntilItIsLeft()
    {
        using var folder = new TempDirectory();
        var path = ControlSocket.Of(folder.Path);
        using var client = StatusClient.OverSocket(path);
        var time = new FakeTimeProvider();
        using var screen = new Screen();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(screen),
        });
        console.Profile.Width = 80;
        console.Profile.Height = 30;
        var keys = new ConcurrentQueue<ConsoleKey>();
        Task showing;
        await using (var lab = new StatusLab())
        {
            await lab.ListenControlAsync(path);
            var first = StatusClient.Parse(await client.ReadAsync(default));
            var view = new StatusView(console, client, time, () => keys.TryDequeue(out var key) ? key : null);
            showing = view.ShowAsync(first, default);
            lab.Show(StatusLab.Engine(StatusLab.Torrent(1)));
            await ShowsAsync("torrent 1");
        }

        await ShowsAsync("Connection lost");
        await using (var lab = new StatusLab())
        {
            await lab.ListenControlAsync(path);
            lab.Show(StatusLab.Engine(StatusLab.Torrent(2)));
            await ShowsAsync("torrent 2");
            keys.Enqueue(ConsoleKey.S);
            keys.Enqueue(ConsoleKey.Q);
            await Eventually.BecomesTrueAsync(() => Pass() && showing.IsCompleted);
            await showing;
        }

        Task ShowsAsync(string text) => Eventually.BecomesTrueAsync(() => Pass() && screen.Text.Contains(text, StringComparison.Ordinal));

        // Its own clock: four times a second it draws, once a second it asks.
        bool Pass()
        {
            Assert.That(showing.IsFaulted, Is.False, showing.Exception?.ToString());
            time.Advance(TimeSpan.FromMilliseconds(250));
            return true;
        }
    }

    /// <summary>What was written, readable while it is.</summary>
    private sealed class Screen : TextWriter
    {
        private readonly StringBuilder _text = new();
        private readonly Lock _gate = new();

        public override Encoding Encoding => Encoding.UTF8;

        public string Text
        {
            get
            {
                lock (_gate)
                {
                    return _text.ToString();
                }
            }
        }

        public override void Write(char value)
        {
            lock (_gate)
            {
                _text.Append(value);
            }
        }
    }
}
