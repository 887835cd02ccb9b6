using System.Diagnostics;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Clients;

/// <summary>The script that fetches clients of other suites, with tools of ours in place of the package manager's: nothing is downloaded.</summary>
[Platform("Linux"), ClientCase(58)]
internal sealed class GetClientTests
{
    private const string DebianSource = "Debian|Debian|main|http://mirror.test/debian";

    private static readonly string[] Borrowed =
    [
        "awk", "bash", "cat", "chmod", "cut", "dirname", "find", "flock", "grep", "head", "id", "mkdir", "mv", "readlink", "rm", "sed", "sha256sum", "sort", "tail",
        "timeout", "touch", "tr",
    ];

    private TempDirectory _folder = null!;

    private string Cache => _folder["cache", "qbsync", "clients"];

    [SetUp]
    public void MakeTools()
    {
        _folder = new TempDirectory();
        Directory.CreateDirectory(_folder["bin"]);
        foreach (var tool in Borrowed)
        {
            var path = new[] { "/usr/bin", "/bin", "/usr/local/bin" }.Select(folder => Path.Combine(folder, tool)).FirstOrDefault(File.Exists);
            Assume.That(path, Is.Not.Null, tool);
            File.CreateSymbolicLink(_folder["bin", tool], path!);
        }

        WriteTool("apt-get", $$"""
            cache=
            for word in "$@"; do case $word in Dir::Cache=*) cache=${word#*=} ;; esac; done
            case " $* " in
                *" indextargets "*) cat "{{_folder["targets"]}}" ;;
                *" update "*) echo update >>"{{_folder["log"]}}"; cat "{{_folder["update-says"]}}"; [[ ! -s "{{_folder["update-says"]}}" ]] ;;
                *" install "*) echo install >>"{{_folder["log"]}}"; touch "$cache/archives/qbittorrent-nox_9.9.9_all.deb" ;;
            esac
            """);
        WriteTool("dpkg-deb", """
            if [[ $1 == -f ]]; then [[ $3 == Package ]] && echo qbittorrent-nox || echo 9.9.9-1; exit; fi
            mkdir -p "$3/usr/bin" "$3/usr/lib/x86_64-linux-gnu" "$3/usr/lib/x86_64-linux-gnu/qt6/plugins"
            printf '#!/bin/bash\nshift 2\nexec "$@"\n' >"$3/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
            printf '#!/bin/bash\necho qBittorrent v9.9.9\n' >"$3/usr/bin/qbittorrent-nox"
            chmod +x "$3/usr/bin/qbittorrent-nox" "$3/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
            """);
        File.WriteAllText(_folder["targets"], DebianSource + "\n");
        File.WriteAllText(_folder["update-says"], "");
        File.WriteAllText(_folder["log"], "");
    }

    [TearDown]
    public void RemoveTools() => _folder.Dispose();

    [TestCase("apt-get")]
    [TestCase("dpkg-deb")]
    public async Task Get_WithoutThePackageManager_Ends77(string tool)
    {
        File.Delete(_folder["bin", tool]);
        var (code, _, said) = await RunAsync("trixie");
        Assert.That(code, Is.EqualTo(77));
        Assert.That(said, Does.Contain(tool));
    }

    [TestCase("")]
    [TestCase("Ubuntu|Ubuntu|main|http://mirror.test/ubuntu\n")]
    [TestCase("Debian|Debian-Security|main|http://mirror.test/security\n")]
    public async Task Get_WithoutADebianSource_Ends77(string targets)
    {
        await File.WriteAllTextAsync(_folder["targets"], targets);
        var (code, _, said) = await RunAsync("trixie");
        Assert.That(code, Is.EqualTo(77));
        Assert.That(said, Does.Contain("no Debian source"));
    }

    [Test]
    public async Task Get_OfASuiteThatTheMirrorLacks_Ends1_AndLeavesNothing()
    {
        await File.WriteAllTextAsync(_folder["update-says"], "E: The repository 'http://mirror.test/debian nosuch Release' does not have a Release file.\n");
        var (code, _, said) = await RunAsync("nosuch");
        Assert.That(code, Is.EqualTo(1));
        Assert.That(said, Does.Contain("no usable suite nosuch"));
        Assert.That(Directory.GetDirectories(Cache), Is.Empty);
    }

    [TestCase("../etc")]
    [TestCase("a b")]
    [TestCase("Trixie")]
    public async Task Get_OfNoSuitesName_Ends1_BeforeAnything(string suite)
    {
        Assert.That((await RunAsync(suite)).Code, Is.EqualTo(1));
        Assert.That(Directory.Exists(Cache), Is.False);
    }

    [Test]
    public async Task Get_FromAMirrorThatIsAway_Ends77()
    {
        await File.WriteAllTextAsync(_folder["update-says"], "W: Failed to fetch http://mirror.test/debian Could not resolve 'mirror.test'\n");
        Assert.That((await RunAsync("trixie")).Code, Is.EqualTo(77));
    }

    [Test]
    public async Task Get_Fetches_Once_AndSaysWhatItIs()
    {
        var (code, path, said) = await RunAsync("trixie");
        Assert.That(code, Is.Zero, said);
        Assert.That(path, Is.EqualTo(Path.Combine(Cache, "trixie", "run")));
        Assert.That(await File.ReadAllTextAsync(Path.Combine(Cache, "trixie", "client.json")), Does.Contain("\"version\": \"9.9.9\"").And.Contain("9.9.9-1"));
        Assert.That((await RunAsync("trixie")).Path, Is.EqualTo(path));
        Assert.That(Updates(), Is.EqualTo(1));
        Assert.That((await RunAsync("trixie", "--refresh")).Path, Is.EqualTo(path));
        Assert.That(Updates(), Is.EqualTo(2));
    }

    [TestCase("root/usr/bin/qbittorrent-nox")]
    [TestCase("client.json")]
    [TestCase("run")]
    public async Task Get_WithABrokenCache_FetchesAgain(string lost)
    {
        await RunAsync("trixie");
        File.Delete(Path.Combine(Cache, "trixie", lost));
        var (code, path, said) = await RunAsync("trixie");
        Assert.That(code, Is.Zero, said);
        Assert.That(File.Exists(path), Is.True);
        Assert.That(Updates(), Is.EqualTo(2));
    }

    [Test]
    public async Task Get_OfAClientThatDoesNotRun_Ends1_AndKeepsTheOldOne()
    {
        var (_, path, _) = await RunAsync("trixie");
        WriteTool("dpkg-deb", """
            mkdir -p "$3/usr/bin" "$3/usr/lib/x86_64-linux-gnu"
            printf '#!/bin/bash\nexit 3\n' | tee "$3/usr/bin/qbittorrent-nox" >"$3/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
            chmod +x "$3/usr/bin/qbittorrent-nox" "$3/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
            """);
        File.CreateSymbolicLink(_folder["bin", "tee"], "/usr/bin/tee");
        Assert.That((await RunAsync("trixie", "--refresh")).Code, Is.EqualTo(1));
        Assert.That(File.Exists(path), Is.True);
        Assert.That(Directory.GetDirectories(Cache), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Get_TwiceAtOnce_FetchesOnce()
    {
        var both = await Task.WhenAll(RunAsync("trixie"), RunAsync("trixie"));
        Assert.That(both.Select(static run => run.Code), Is.All.Zero);
        Assert.That(Updates(), Is.EqualTo(1));
    }

    private int Updates() => File.ReadAllLines(_folder["log"]).Count(static line => line == "update");

    private void WriteTool(string name, string text)
    {
        File.WriteAllText(_folder["bin", name], "#!/bin/bash\n" + text);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_folder["bin", name], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private async Task<(int Code, string Path, string Said)> RunAsync(params string[] arguments)
    {
        var script = Path.Combine(TestContext.CurrentContext.TestDirectory, "Clients", "get-client.sh");
        var start = new ProcessStartInfo(_folder["bin", "bash"], [script, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = _folder["bin"];
        start.Environment["XDG_CACHE_HOME"] = _folder["cache"];
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().DefaultTimeout();
        return (process.ExitCode, (await output).Trim(), await error);
    }
}
