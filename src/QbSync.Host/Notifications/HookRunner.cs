using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace QbSync.Host.Notifications;

/// <summary>How a hook's run went.</summary>
/// <param name="IsGood">Whether it ended by itself with code 0.</param>
/// <param name="Problem">Else what went wrong, for people.</param>
/// <param name="Output">What it wrote, cut where it is too long.</param>
internal sealed record HookOutcome(bool IsGood, string Problem, string Output);

/// <summary>Runs a program once: no shell, the notification on its standard input, an environment with nothing of ours. Thread-safe.</summary>
internal sealed class HookRunner(TimeProvider time)
{
    /// <summary>Longest time of a run, all that it started included.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Bytes of its output that are kept.</summary>
    public const int MostOutput = 64 << 10;

    /// <summary>A run from begin to end. Its output has to be closed too: what it leaves running without that keeps the run.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; the program was ended.</exception>
    public async Task<HookOutcome> RunAsync(Hook hook, Notification told, CancellationToken cancellationToken)
    {
        using var process = new Process { StartInfo = MakeStart(hook, told) };
        try
        {
            process.Start();
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return new HookOutcome(false, $"it could not be started: {e.Message}", "");
        }

        var output = new CutOutput(MostOutput);
        Task[] talking =
        [
            WriteAsync(process, NotificationJson.Make(told)),
            output.ReadAsync(process.StandardOutput.BaseStream),
            output.ReadAsync(process.StandardError.BaseStream),
        ];
        var isLate = await WaitForExitAsync(process, cancellationToken);

        // They end with their other end, which is closed with the last process that has it.
        await Task.WhenAll(talking).WaitAsync(cancellationToken);
        var problem = isLate ? $"it took more than {Patience.TotalSeconds} s and was ended"
            : process.ExitCode != 0 ? string.Create(CultureInfo.InvariantCulture, $"it ended with code {process.ExitCode}") : "";
        return new HookOutcome(problem.Length == 0, problem, output.ToString());
    }

    /// <summary>Waits for its end, and makes it when the time is over, which is the answer then.</summary>
    private async Task<bool> WaitForExitAsync(Process process, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await process.WaitForExitAsync(both.Token);
            return false;
        }
        catch (OperationCanceledException)
        {
            End(process);
            await process.WaitForExitAsync(cancellationToken);
            return true;
        }
    }

    private static ProcessStartInfo MakeStart(Hook hook, Notification told)
    {
        var start = new ProcessStartInfo(hook.Program, hook.Arguments)
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetPathRoot(hook.Program),
        };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        start.Environment["LANG"] = "C.UTF-8";
        start.Environment["QBSYNC_EVENT"] = told.EventName;
        return start;
    }

    private static async Task WriteAsync(Process process, byte[] document)
    {
        // From here on by itself: a program that does not read must not keep its starter.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await using var input = process.StandardInput.BaseStream;
            await input.WriteAsync(document);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // It does not want to know.
        }
    }

    private static void End(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended by itself, or something of it is not ours to end.
        }
    }

    /// <summary>The first bytes of what is written to it; the rest is read and forgotten, so that nobody waits for a reader. Thread-safe.</summary>
    private sealed class CutOutput(int most)
    {
        private readonly Lock _gate = new();
        private readonly MemoryStream _kept = new();

        public async Task ReadAsync(Stream from)
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            var buffer = new byte[8192];
            try
            {
                while (await from.ReadAsync(buffer) is var read and > 0)
                {
                    lock (_gate)
                    {
                        _kept.Write(buffer, 0, Math.Min(read, most - (int)_kept.Length));
                    }
                }
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // As good as its end.
            }
        }

        public override string ToString()
        {
            lock (_gate)
            {
                return Encoding.UTF8.GetString(_kept.GetBuffer(), 0, (int)_kept.Length);
            }
        }
    }
}
