using System.Text.RegularExpressions;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;

namespace QbSync.ProcessTests.Packaging;

/// <summary>The steps of the Dockerfile that need no container: what it copies is enough for what it runs, and what it runs is what it starts.</summary>
[HostCase(48)]
[Category("Long")]
internal sealed partial class DockerfileTests
{
    [Test]
    public async Task Publish_OfWhatIsCopied_GivesTheProgram()
    {
        using var folder = new TempDirectory();
        var sources = folder.CreateFolder("sources");
        foreach (var line in File.ReadLines(Path.Combine(Tool.Repository, "deploy/docker/Dockerfile.dockerignore")).Where(line => line.StartsWith('!')))
        {
            Copy(Path.Combine(Tool.Repository, line[1..]), Path.Combine(sources, line[1..]));
        }

        var step = Run().Match(await File.ReadAllTextAsync(Path.Combine(Tool.Repository, "deploy/docker/Dockerfile"))).Groups["step"].Value
            .Replace("\\\n", "", StringComparison.Ordinal).Replace("/out/", folder.Path + "/out/", StringComparison.Ordinal);
        Assert.That(step, Does.Contain("dotnet publish"));
        await Tool.SucceedAsync(sources, "sh", "-c", step);
        Assert.That(Directory.Exists(folder["out", "state"]), Is.True);
        var help = await Tool.SucceedAsync(folder.Path, "dotnet", folder["out", "app", "qbsync.dll"], "source", "--help");
        Assert.That(help, Does.Contain("--destination-addr"));
    }

    private static void Copy(string from, string to)
    {
        if (File.Exists(from))
        {
            File.Copy(from, to);
            return;
        }

        Directory.CreateDirectory(to);
        foreach (var entry in Directory.EnumerateFileSystemEntries(from).Where(entry => Path.GetFileName(entry) is not ("bin" or "obj")))
        {
            Copy(entry, Path.Combine(to, Path.GetFileName(entry)));
        }
    }

    [GeneratedRegex(@"^RUN (?<step>(.*\\\n)*.*)$", RegexOptions.Multiline)]
    private static partial Regex Run();
}
