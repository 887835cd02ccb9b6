using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using QbSync.Testing.Waiting;

namespace QbSync.Testing.Processes;

/// <summary>
/// Our own executable as a process, found beside the test's assembly. Ended by its process id when disposed. Needs a reference to the host's project.
/// </summary>
public sealed partial class QbSyncProcess : IAsyncDisposable
{
    private const int SigHup = 1;
    private const int SigTerm = 15;
    private static readonly TimeSpan EndTimeout = Waiting.TaskExtensions.Timeout;

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly Lock _gate = new();

    private QbSyncProcess(Process process) => _process = process;

    public string Output
    {
        get
        {
            lock (_gate)
            {
                return _output.ToString();
            }
        }
    }

    public bool HasExited => _process.HasExited;

    public static QbSyncProcess Start(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "qbsync.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var process = new Process { StartInfo = start };
        var started = new QbSyncProcess(process);
        process.OutputDataReceived += (_, line) => started.Keep(line.Data);
        process.ErrorDataReceived += (_, line) => started.Keep(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return started;
    }

    /// <summary>Waits for its end and says its exit code.</summary>
    public async Task<int> WaitForExitAsync()
    {
        using var limit = new CancellationTokenSource(EndTimeout);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"qbsync did not end within {EndTimeout.TotalSeconds} s:{Environment.NewLine}{Output}");
        }

        return _process.ExitCode;
    }

    /// <summary>Asks it to end gracefully.</summary>
    public async Task<int> TerminateAsync()
    {
        SendTerm();
        return await WaitForExitAsync();
    }

    /// <summary>Sends it a SIGTERM, and waits for nothing.</summary>
    public void SendTerm()
    {
        if (!_process.HasExited)
        {
            _ = Kill(_process.Id, SigTerm);
        }
    }

    /// <summary>Sends it a SIGTERM, and waits until the system has given it to the process: of two that wait there, one is lost.</summary>
    public async Task SendTermAsync()
    {
        SendTerm();
        await Eventually.BecomesTrueAsync(() => _process.HasExited || !IsTermPending());
    }

    /// <summary>Asks it to read its configuration anew, and waits for nothing.</summary>
    public void SendHangup()
    {
        if (!_process.HasExited)
        {
            _ = Kill(_process.Id, SigHup);
        }
    }

    /// <summary>Ends it as <c>kill -9</c> does.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
        if (TestContext.CurrentContext.Result.Outcome.Status == NUnit.Framework.Interfaces.TestStatus.Failed)
        {
            await TestContext.Out.WriteLineAsync(Output);
        }
    }

    private bool IsTermPending()
    {
        try
        {
            return File.ReadLines($"/proc/{_process.Id}/status")
                .Where(static line => line.StartsWith("ShdPnd:", StringComparison.Ordinal) || line.StartsWith("SigPnd:", StringComparison.Ordinal))
                .Any(static line => (Convert.ToUInt64(line[7..].Trim(), 16) & (1UL << (SigTerm - 1))) != 0);
        }
        catch (IOException)
        {
            return false; // it has just ended
        }
    }

    private void Keep(string? line)
    {
        lock (_gate)
        {
            _output.AppendLine(line);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
