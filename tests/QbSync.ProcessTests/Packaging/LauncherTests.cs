using System.Diagnostics;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests.Packaging;

/// <summary>The launcher <c>./qbsync</c> with a program of a few lines in the host's place, in a folder with spaces, called from elsewhere.</summary>
[HostCase(50)]
internal sealed class LauncherTests
{
    [Test]
    public async Task Launcher_BuildsWhenASourceIsNewer_AndIsTheProgramThen()
    {
        using var folder = new TempDirectory();
        var top = folder.CreateFolder("a folder with spaces");
        var launcher = Path.Combine(top, "qbsync");
        var source = Path.Combine(Directory.CreateDirectory(Path.Combine(top, "src", "QbSync.Host")).FullName, "Program.cs");
        File.Copy(Path.Combine(Tool.Repository, "qbsync"), launcher);
        await File.WriteAllTextAsync(Path.Combine(top, "src", "QbSync.Host", "QbSync.Host.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <OutputType>Exe</OutputType>
                <AssemblyName>qbsync</AssemblyName>
                <UseAppHost>false</UseAppHost>
              </PropertyGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(top, "nuget.config"), "<configuration><packageSources><clear /></packageSources></configuration>");
        foreach (var file in new[] { "Directory.Build.props", "Directory.Packages.props" })
        {
            await File.WriteAllTextAsync(Path.Combine(top, file), "<Project />");
        }

        await File.WriteAllTextAsync(Path.Combine(top, "global.json"), "{}");
        await File.WriteAllTextAsync(source, Program("first"));

        var first = await Tool.RunAsync(folder.Path, launcher, "exit", "7", "an argument with spaces");
        Assert.That((first.Code, first.Output), Is.EqualTo((7, "first: an argument with spaces\n")), first.Errors);
        Assert.That(first.Errors, Is.EqualTo("qbsync: building ...\n"));

        var again = await Tool.RunAsync(folder.Path, launcher, "exit", "0", "");
        Assert.That((again.Code, again.Output, again.Errors), Is.EqualTo((0, "first: \n", "")));

        await File.WriteAllTextAsync(source, Program("second"));
        var changed = await Tool.RunAsync(Path.Combine(top, "src"), launcher, "exit", "3", "x");
        Assert.That((changed.Code, changed.Output, changed.Errors), Is.EqualTo((3, "second: x\n", "qbsync: building ...\n")));

        await TerminateAsync(folder.Path, launcher);

        await File.WriteAllTextAsync(source, "this is no program");
        var broken = await Tool.RunAsync(folder.Path, launcher, "exit", "0", "");
        Assert.That((broken.Code, broken.Output), Is.EqualTo((3, "")));
        Assert.That(broken.Errors, Does.Contain("error CS"));
    }

    /// <summary>The launcher has become the program: a signal to the one is a signal to the other.</summary>
    private static async Task TerminateAsync(string folder, string launcher)
    {
        using var process = Process.Start(new ProcessStartInfo(launcher, ["wait"]) { WorkingDirectory = folder, RedirectStandardOutput = true })!;
        Assert.That(await process.StandardOutput.ReadLineAsync().DefaultTimeout(), Is.EqualTo("waiting"));
        using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await process.WaitForExitAsync().DefaultTimeout();
        Assert.That(process.ExitCode, Is.Zero);
        Assert.That(await process.StandardOutput.ReadToEndAsync().DefaultTimeout(), Is.EqualTo("told to stop\n"));
    }

    private static string Program(string name) => $$"""
        using System.Runtime.InteropServices;
        if (args is ["exit", var code, var text])
        {
            System.Console.WriteLine("{{name}}: " + text);
            return int.Parse(code);
        }

        var told = new System.Threading.Tasks.TaskCompletionSource();
        using var registration = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            told.TrySetResult();
        });
        System.Console.WriteLine("waiting");
        await told.Task;
        System.Console.WriteLine("told to stop");
        return 0;
        """;
}
