using QbSync.Testing.Specifications;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>What is stored is what the client at hand says.</summary>
[Category("Real")]
internal sealed class RecordingTests
{
    /// <summary>The variable that names a folder to write the recording to, for <c>tests/clients/record.sh</c>.</summary>
    private const string FolderVariable = "QBSYNC_RECORD";

    [Test, CancelAfter(300_000), ClientCase(60)]
    public async Task Recording_OfAStoredVersion_SaysTheSameAgain(CancellationToken stop)
    {
        var (version, exchanges) = await RealRecording.PlayAsync(stop);
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder)
        {
            Transcript.Write(Path.Combine(folder, version), exchanges);
            Assert.Pass($"{exchanges.Count} requests of {version} were recorded.");
        }

        if (!Transcript.Versions.Contains(version))
        {
            // Nobody has measured it: what is new is told, and judged by people.
            var nearest = Transcript.Versions.OrderBy(Version.Parse).Last(stored => Version.Parse(stored) < Version.Parse(version) || stored == Transcript.Versions[0]);
            TestContext.Out.WriteLine($"Of qBittorrent {version} no transcripts are stored (tests/clients/record.sh makes them). What differs from {nearest}:");
            TestContext.Out.WriteLine(string.Join('\n', RecordingComparison.Differences(Transcript.Load(nearest).Exchanges, exchanges)));
            return;
        }

        Assert.That(RecordingComparison.Differences(Transcript.Load(version).Exchanges, exchanges), Is.Empty);
    }
}
