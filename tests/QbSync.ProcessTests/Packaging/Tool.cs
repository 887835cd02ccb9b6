using System.Diagnostics;

namespace QbSync.ProcessTests.Packaging;

/// <summary>A program that runs to its end.</summary>
internal static class Tool
{
    // Builds and downloads share the machine with other tests: only a hang shall end them.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(9);

    /// <summary>Folder of the repository that the tests were built from.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>Release or Debug, as the tests were built.</summary>
    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    /// <summary>A sample as built beside these tests.</summary>
    public static string Sample(string name) =>
        Path.Combine(Repository, "samples", name, "bin", Configuration, new DirectoryInfo(AppContext.BaseDirectory).Name, name + ".dll");

    /// <param name="environment">Variables to set; null takes one away.</param>
    public static async Task<ToolResult> RunAsync(
        string folder, IReadOnlyDictionary<string, string?> environment, string program, params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };

        // No server of the build shall outlive the test, nor shall what a test run says of itself be taken for a build's own.
        (start.Environment["MSBUILDDISABLENODEREUSE"], start.Environment["UseSharedCompilation"]) = ("1", "false");
        (start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"], start.Environment["DOTNET_NOLOGO"]) = ("1", "1");
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Patience);
        return new ToolResult(process.ExitCode, await output.WaitAsync(Patience), await errors.WaitAsync(Patience));
    }

    public static Task<ToolResult> RunAsync(string folder, string program, params IReadOnlyList<string> arguments) =>
        RunAsync(folder, new Dictionary<string, string?>(), program, arguments);

    /// <summary>Runs it; anything but success fails the test with what it printed.</summary>
    public static async Task<string> SucceedAsync(string folder, string program, params IReadOnlyList<string> arguments)
    {
        var result = await RunAsync(folder, program, arguments);
        Assert.That(result.Code, Is.Zero, $"{program} {string.Join(' ', arguments)}{Environment.NewLine}{result.Output}{result.Errors}");
        return result.Output;
    }

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "QbSync.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("The tests do not run below the repository.");
    }
}

/// <summary>How a program ended.</summary>
internal sealed record ToolResult(int Code, string Output, string Errors);
