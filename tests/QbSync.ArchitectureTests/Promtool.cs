using System.Diagnostics;
using QbSync.Testing.Waiting;

namespace QbSync.ArchitectureTests;

/// <summary>Prometheus' own tool. Tests that need it are ignored where it is not installed.</summary>
internal static class Promtool
{
    /// <summary>Runs it in the repository's folder; anything but success fails the test with what it printed.</summary>
    public static async Task RunAsync(params string[] arguments)
    {
        ProcessStartInfo start = new("promtool", arguments)
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("promtool is not installed; it comes with Prometheus.");
            return;
        }

        using (process)
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync().DefaultTimeout();
            Assert.That(process.ExitCode, Is.Zero, await output + await errors);
        }
    }
}
