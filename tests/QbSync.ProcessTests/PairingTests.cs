using System.Text.RegularExpressions;
using QbSync.Testing.Machine;
using QbSync.Testing.Processes;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>Two machines as people set them up: ids, a code carried from one to the other, a sync over TLS, a removal, a changed identity.</summary>
internal sealed partial class PairingTests
{
    [Test]
    public async Task TwoMachines_PairedByACode_SyncAndStopWhenThePeerIsRemoved()
    {
        using var folder = new TempDirectory();
        await using var roles = new TwoProcesses(folder.CreateFolder("data"), folder.CreateFolder("own"), isPaired: true);
        var torrents = TwoProcesses.MakeTorrents(seed: 41);
        roles.Add(torrents[0]);
        roles.StartDestination();
        roles.StartSource();

        // Not paired yet: the source says so with its own id, and the destination says who knocked.
        var source = await RunAsync(0, "id", "--state-dir", roles.SourceState);
        await Eventually.BecomesTrueAsync(() => roles.Source!.Output.Contains(source, StringComparison.Ordinal) && roles.Destination!.Output.Contains(source, StringComparison.Ordinal));

        await using (var waiting = QbSyncProcess.Start(["pair", "--state-dir", roles.DestinationState, "--listen", roles.Address, "--name", "nas"]))
        {
            var code = await ReadCodeAsync(waiting);
            await RunAsync(4, "pair", roles.Address, "AAAA-AAAA-AAAA-AAAA", "--state-dir", roles.SourceState);
            var paired = await RunAsync(0, "pair", roles.Address, code, "--state-dir", roles.SourceState, "--name", "seedbox");
            Assert.That(await waiting.WaitForExitAsync(), Is.Zero, waiting.Output);
            Assert.That(paired, Does.Contain("Paired with nas"));
            Assert.That(waiting.Output, Does.Contain("Paired with seedbox").And.Contain(source));
            await RunAsync(4, "pair", roles.Address, code, "--state-dir", roles.SourceState);
        }

        // Both roles run on: they take the pairing in by themselves.
        await roles.WaitUntilAllAreSyncedAsync();
        roles.AssertAllIsEqual();

        Assert.That(await RunAsync(0, "pair", "--list", "--state-dir", roles.DestinationState), Does.Contain("seedbox").And.Contain(source));
        await RunAsync(4, "pair", "--remove", "nobody", "--state-dir", roles.DestinationState);
        await RunAsync(0, "pair", "--remove", "seedbox", "--state-dir", roles.DestinationState);
        await Eventually.BecomesTrueAsync(() => roles.Source!.Output.Contains("is parked", StringComparison.Ordinal) && roles.Source.Output.Contains("does not trust this node", StringComparison.Ordinal));
        roles.Add(torrents[1]);

        // Pinned by hand it goes on, at once, since the source's peers are written anew, too.
        await RunAsync(0, "pair", "--add", source, "--name", "seedbox", "--state-dir", roles.DestinationState);
        var destination = await RunAsync(0, "id", "--state-dir", roles.DestinationState);
        await RunAsync(0, "pair", "--add", destination, "--role", "source", "--state-dir", roles.SourceState);
        await roles.WaitUntilAllAreSyncedAsync();
        roles.AssertAllIsEqual();
        await roles.StopSourceAsync();

        // Another identity is another node, whatever its name and address: parked on one side, refused on the other, pinned by nobody.
        File.Delete(Path.Combine(roles.SourceState, "identity.pem"));
        roles.StartSource();
        await Eventually.BecomesTrueAsync(() => roles.Source!.Output.Contains("is parked", StringComparison.Ordinal));
        var changed = await RunAsync(0, "id", "--state-dir", roles.SourceState);
        Assert.That(changed, Is.Not.EqualTo(source));
        await Eventually.BecomesTrueAsync(
            () => roles.Source!.Output.Contains(changed, StringComparison.Ordinal) && roles.Source.Output.Contains(destination, StringComparison.Ordinal), expression: "both ids are named");
        Assert.That(await RunAsync(0, "pair", "--list", "--state-dir", roles.DestinationState), Does.Contain(source).And.Not.Contain(changed));
        await roles.StopSourceAsync();
        Assert.That(await roles.Destination!.TerminateAsync(), Is.Zero, roles.Destination.Output);
    }

    [Test]
    public async Task Pair_WhileNoRoleRuns_ListensItselfAndNothingCanBeDoneBesides()
    {
        using var folder = new TempDirectory();
        var address = $"127.0.0.1:{FreePorts.Take()}";
        await using var waiting = QbSyncProcess.Start(["pair", "--data", folder.CreateFolder("data"), "--listen", address]);
        var code = await ReadCodeAsync(waiting);
        for (var i = 0; i < 5; i++)
        {
            await RunAsync(4, "pair", address, "AAAA-AAAA-AAAA-AAAA", "--state-dir", folder["source"]);
        }

        Assert.That(await waiting.WaitForExitAsync(), Is.EqualTo(4), waiting.Output);
        Assert.That(waiting.Output, Does.Contain("void"));
        await RunAsync(5, "pair", address, code, "--state-dir", folder["source"]);
        await RunAsync(2, "pair", address, "AAAA", "--state-dir", folder["source"]);
        Assert.That(await RunAsync(0, "pair", "--list", "--state-dir", folder["source"]), Does.Contain("No peer is trusted yet"));
    }

    /// <summary>The code in the line that is to be copied.</summary>
    private static async Task<string> ReadCodeAsync(QbSyncProcess waiting)
    {
        await Eventually.BecomesTrueAsync(() => CodePattern().IsMatch(waiting.Output) || waiting.HasExited);
        Assert.That(CodePattern().IsMatch(waiting.Output), waiting.Output);
        return CodePattern().Match(waiting.Output).Value;
    }

    private static async Task<string> RunAsync(int expected, params string[] arguments)
    {
        await using var process = QbSyncProcess.Start(arguments);
        Assert.That(await process.WaitForExitAsync(), Is.EqualTo(expected), process.Output);
        return process.Output.Trim();
    }

    [GeneratedRegex("[A-Z2-7]{4}(-[A-Z2-7]{4}){3}(?![A-Z2-7-])")]
    private static partial Regex CodePattern();
}
