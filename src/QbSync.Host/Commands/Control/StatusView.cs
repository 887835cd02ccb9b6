using QbSync.Host.Reporting;
using Spectre.Console;

namespace QbSync.Host.Commands.Control;

/// <summary>Shows a status on a terminal and keeps it up to date, four times a second, until a person has seen enough. It outlives restarts of the role.</summary>
internal sealed class StatusView(IAnsiConsole console, StatusClient client, TimeProvider time, Func<ConsoleKey?> readKey)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ReadInterval = TimeSpan.FromSeconds(1);

    /// <param name="first">What it said first.</param>
    public async Task ShowAsync(StatusDocument first, CancellationToken cancellationToken)
    {
        var (now, order, lost) = (first, StatusOrder.Told, (string?)null);
        var (reading, readAt) = ((Task<byte[]>?)null, time.GetTimestamp());
        using var timer = new PeriodicTimer(Interval, time);
        await console.Live(Draw()).Overflow(VerticalOverflow.Crop).StartAsync(async live =>
        {
            while (true)
            {
                while (readKey() is { } key)
                {
                    if (key == ConsoleKey.Q)
                    {
                        return;
                    }

                    order = key == ConsoleKey.S ? (StatusOrder)(((int)order + 1) % Enum.GetValues<StatusOrder>().Length) : order;
                }

                if (reading is { IsCompleted: true })
                {
                    try
                    {
                        (now, lost) = (StatusClient.Parse(await reading), null);
                    }
                    catch (CommandFailure error)
                    {
                        lost = "Trying again. " + error.Message;
                    }

                    reading = null;
                }

                if (reading is null && time.GetElapsedTime(readAt) >= ReadInterval)
                {
                    (reading, readAt) = (client.ReadAsync(cancellationToken), time.GetTimestamp());
                }

                live.UpdateTarget(Draw());
                await timer.WaitForNextTickAsync(cancellationToken);
            }
        });

        Spectre.Console.Rendering.IRenderable Draw() => StatusScreen.Draw(now, console.Profile.Width, console.Profile.Height, order, lost);
    }
}
