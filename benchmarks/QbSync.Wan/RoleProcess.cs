using System.Diagnostics;
using QbSync.Testing.Networks;

namespace QbSync.Wan;

/// <summary>
/// A process in one of the networks, as its parent sees it. It says one line when it is ready, answers each line with a <see cref="Look"/>, and ends when
/// its input does: so it outlives no parent, however that ended.
/// </summary>
internal sealed class RoleProcess : IDisposable
{
    private readonly Process _process;

    private RoleProcess(Process process) => _process = process;

    /// <summary>Starts it and waits until it is ready.</summary>
    public static async Task<RoleProcess> StartAsync(NetworkNamespace network, string role, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(RoleProcess).Assembly.Location, role, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1";
        var process = new RoleProcess(network.Start(start));
        await process.ReadAsync();
        return process;
    }

    public async Task<Look> LookAsync()
    {
        await _process.StandardInput.WriteLineAsync("look");
        return Look.FromLine(await ReadAsync());
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(5)))
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    /// <summary>The child's side of it.</summary>
    public static async Task ServeAsync(Func<Look> look)
    {
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is not null)
        {
            using var self = Process.GetCurrentProcess();
            Console.WriteLine((look() with { At = Stopwatch.GetElapsedTime(0).TotalSeconds, CpuSeconds = self.TotalProcessorTime.TotalSeconds }).ToLine());
        }
    }

    private async Task<string> ReadAsync() => await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("A role's process ended.");
}
