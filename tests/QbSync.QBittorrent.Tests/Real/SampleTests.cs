using System.Diagnostics;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Real;

/// <summary>The sample that uses the client alone, from which the package's README shows parts.</summary>
[Category("Real"), Parallelizable]
internal sealed class SampleTests
{
    [ClientCase(61), HostCase(49)]
    [TestCase]
    [TestCase("--container")]
    public async Task Sample_OfTheReadme_ListsWhatAClientHas(params string[] more)
    {
        await using var real = await RealClient.StartAsync(requireLogin: true);
        await real.SeedAsync(new TorrentBuilder("sämple.bin") { Seed = 540 }.Build());
        var (code, output, errors) = await RunAsync(real.Instance.Url.ToString(), real.Instance.Username!, real.Instance.Password!, more);
        var version = await real.Api.GetVersionAsync(default);
        Assert.That(code, Is.Zero, errors);
        Assert.That(output[0], Is.EqualTo($"qBittorrent {version}, WebAPI {await real.Api.GetWebApiVersionAsync(default)}"));
        Assert.That(output[1], Does.Match("^ *100[.]0 ?%  (paused|stopped)UP +sämple[.]bin$"));
        Assert.That(output, Has.Length.EqualTo(2));
    }

    [Test, ClientCase(61)]
    public async Task Sample_OfAnAddressWhereNobodyIs_SaysSo()
    {
        var (code, _, errors) = await RunAsync("http://127.0.0.1:9/", "user", "password");
        Assert.That(code, Is.EqualTo(1));
        Assert.That(errors, Does.StartWith("Unreachable: "));
    }

    private static async Task<(int Code, string[] Output, string Errors)> RunAsync(string url, string username, string password, params string[] more)
    {
        // As built, in its own folder: .../tests/PROJECT/bin/CONFIGURATION/FRAMEWORK beside .../samples/OnlyWebApi/bin/CONFIGURATION/FRAMEWORK.
        var folder = TestContext.CurrentContext.TestDirectory;
        var built = Path.Combine("samples", "OnlyWebApi", Path.GetRelativePath(Path.Combine(folder, "..", "..", ".."), folder), "OnlyWebApi.dll");
        var start = new ProcessStartInfo("dotnet", [Path.GetFullPath(Path.Combine(folder, "..", "..", "..", "..", "..", built)), url, .. more])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        (start.Environment["QB_USERNAME"], start.Environment["QB_PASSWORD"]) = (username, password);
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().DefaultTimeout();
        return (process.ExitCode, (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries), await errors);
    }
}
