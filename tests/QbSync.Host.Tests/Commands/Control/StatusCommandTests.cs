using QbSync.Host.Commands.Control;
using QbSync.Host.Endpoints;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Commands.Control;

/// <summary>The commands that ask a running role, as a person meets them.</summary>
internal sealed class StatusCommandTests
{
    [Test]
    [HostCase(35)]
    public async Task Commands_AskTheRoleThatRunsThere()
    {
        using var folder = new TempDirectory();
        var (data, state) = (folder.CreateFolder("data"), folder["state"]);
        await AskAsync(5, "No role runs here", "status", "--state-dir", state, "--once");
        await AskAsync(5, "", "status", "--state-dir", state, "--probe", "livez");
        await AskAsync(2, "--url is no address", "status", "--url", "nonsense");
        await AskAsync(2, "hash", "retry", "--state-dir", state);

        await using (var source = QbSyncProcess.Start(
            [
                "source", "--data", data, "--client", "folder", "--state-dir", state, "--health-addr", "", "--destination-addr", $"127.0.0.1:{FreePorts.Take()}",
                "--security", "insecure",
            ]))
        {
            using var client = StatusClient.OverSocket(ControlSocket.Of(state));
            await Eventually.BecomesTrueAsync(async () => source.HasExited || await client.ProbeAsync("livez", default));
            await AskAsync(0, "QbSync source", "status", "--state-dir", state, "--once", "--no-color");
            await AskAsync(0, "\"mode\":\"source\"", "status", "--state-dir", state, "--json");
            await AskAsync(0, "", "status", "--state-dir", state, "--probe", "livez");
            await AskAsync(5, "", "status", "--state-dir", state, "--probe", "readyz");
            await AskAsync(4, "unknown hash", "retry", "--state-dir", state, new string('a', 40));
            await AskAsync(4, "unknown hash", "handoff", "--state-dir", state, new string('a', 40));
            await AskAsync(0, "Nothing has another value.", "reload", "--state-dir", state);
            await AskAsync(0, "hands over", "drain", "--state-dir", state);
            Assert.That(await source.WaitForExitAsync(), Is.Zero, source.Output);
        }
    }

    private static async Task AskAsync(int code, string said, params string[] arguments)
    {
        await using var process = QbSyncProcess.Start(arguments);
        Assert.That(await process.WaitForExitAsync(), Is.EqualTo(code), process.Output);
        Assert.That(process.Output, said.Length == 0 ? Has.Property("Length").LessThan(5) : Does.Contain(said));
    }
}
