using System.Diagnostics;
using QbSync.Testing.Waiting;

namespace QbSync.Testing.Monitoring;

/// <summary>Prometheus' own tool. Tests that need it are ignored where it is not installed.</summary>
public static class Promtool
{
    /// <summary>Runs it in <paramref name="folder"/>; anything but success fails the test with what it printed.</summary>
    /// <param name="input">What it is to read, if it reads.</param>
    /// <returns>What it printed.</returns>
    public static async Task<string> RunAsync(string folder, string? input, params string[] arguments)
    {
        ProcessStartInfo start = new("promtool", arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = TryStart(start);
        if (process is null)
        {
            Assert.Ignore("promtool is not installed; it comes with Prometheus.");
        }

        var output = process!.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync().DefaultTimeout();
        var printed = await output + await errors;
        Assert.That(process.ExitCode, Is.Zero, printed);
        return printed;
    }

    /// <summary>Null where the program is not installed.</summary>
    internal static Process? TryStart(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
