using QbSync.Testing.Specifications;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>The same requests on the fake server and on the real client of each version, so that the fake is not kinder.</summary>
internal sealed class WebApiConformanceTests
{
    private static IReadOnlyList<string> Versions => Transcript.Versions;

    [TestCaseSource(nameof(Versions)), CancelAfter(120_000), ClientCase(61)]
    public async Task Fake_OfARecordedVersion_AnswersInTheSameShape(string version, CancellationToken stop)
    {
        var recorded = Transcript.Load(version).Exchanges;
        var api = Version.Parse(recorded.First(static exchange => exchange.Name == "version").Text);
        Assert.That(await DifferencesAsync(recorded, api, stop), Is.Empty);
    }

    [Test, Category("Real"), CancelAfter(300_000), ClientCase(61)]
    public async Task Fake_OfTheClientAtHand_AnswersInTheSameShape(CancellationToken stop)
    {
        var (version, real) = await RealRecording.PlayAsync(stop);
        var api = Version.Parse(real.First(static exchange => exchange.Name == "version").Text);
        var differences = await DifferencesAsync(real, api, stop);
        if (Versions.Contains(version))
        {
            Assert.That(differences, Is.Empty);
            return;
        }

        TestContext.Out.WriteLine($"qBittorrent {version} was never recorded; the fake does not know: {string.Join('\n', differences)}");
    }

    private static async Task<List<string>> DifferencesAsync(IReadOnlyList<Exchange> real, Version api, CancellationToken stop)
    {
        using var fake = new FakeTarget(api);
        using var player = new RequestPlayer(fake.Target);
        var made = await player.PlayAsync(idsByV2: api >= new Version(2, 8), stop);
        List<string> differences = [];
        foreach (var (theirs, ours) in real.Zip(made))
        {
            string[] wanted = AnswerShape.Of(theirs).Split('\n'), found = AnswerShape.Of(ours).Split('\n');
            if (!wanted.SequenceEqual(found))
            {
                differences.Add($"{theirs.Name}: the client has {string.Join(' ', wanted.Except(found))}; the fake has {string.Join(' ', found.Except(wanted))}");
            }
        }

        return differences;
    }
}
