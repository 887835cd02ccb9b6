using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Tests.Transcripts;
using QbSync.Testing.Specifications;

namespace QbSync.QBittorrent.Tests.Json;

/// <summary>What real clients answered is read; what is made of it by chance or malice is a value, missing, or refused as a whole.</summary>
[ClientCase(57)]
internal sealed class TranscriptParsingTests
{
    // Of an answer of a few bytes the parser is the greater part; of one that is refused, what the runtime says of it, whatever its length.
    private const int Constant = 16 * 1024, Refusal = 128 * 1024;

    private static readonly string[] Odd =
        ["null", "\"x\"", "\"\"", "1.5", "-1", "1e400", "99999999999999999999999999", "true", "[]", "{}", "[[1],{\"a\":null}]", "\"\\ud800\""];

    private static IReadOnlyList<string> Versions => Transcript.Versions;

    [TestCaseSource(nameof(Versions))]
    public void Answers_OfEachVersion_AreRead(string version)
    {
        var answers = TranscriptAnswer.Of(version).ToList();
        Assert.That(answers, Has.Count.GreaterThan(30));
        foreach (var answer in answers)
        {
            Assert.That(() => answer.Read(answer.Body), Throws.Nothing, answer.Name);
        }

        var whole = (MainDataRecord)answers.Single(static answer => answer.Name == "maindata-full").Read(answers.Single(static answer => answer.Name == "maindata-full").Body)!;
        Assert.That(whole.Torrents!.Values, Is.All.Matches<TorrentRecord>(static torrent => torrent is { Name: not null, State: not null, SavePath: not null, Progress: not null, AmountLeft: not null, AddedOn: > 0 }));
        var files = (List<FileRecord>)answers.Single(static answer => answer.Name == "files").Read(answers.Single(static answer => answer.Name == "files").Body)!;
        Assert.That(files, Is.All.Matches<FileRecord>(static file => file is { Name: not null, Size: not null, Priority: not null, Progress: not null }));
    }

    [TestCaseSource(nameof(Versions))]
    public void EachField_RemovedOrOdd_IsAValueMissingOrRefused(string version)
    {
        // The longest answer of a reader has the fields of all.
        foreach (var answer in TranscriptAnswer.Of(version).GroupBy(static answer => answer.Read.Method).Select(static group => group.MaxBy(static answer => answer.Body.Length)!))
        {
            // One list entry of a kind stands for all.
            foreach (var path in Paths(JsonNode.Parse(answer.Body)!, []).DistinctBy(static path => string.Join('/', path)).ToList())
            {
                Try(answer, Changed(answer.Body, path, null));
                foreach (var odd in Odd)
                {
                    Try(answer, Changed(answer.Body, path, odd));
                }
            }
        }
    }

    [TestCaseSource(nameof(Versions))]
    public void EachFieldOfATorrent_Odd_LeavesTheOthersAsTheyAre(string version)
    {
        var answer = TranscriptAnswer.Of(version).Single(static answer => answer.Name == "info-one");
        var whole = AnswerReader.ReadTorrents(answer.Body).Single();
        foreach (var path in Paths(JsonNode.Parse(answer.Body)!, []).Where(static path => path is [_, not "hash"]))
        {
            foreach (var odd in Odd.Where(static odd => odd != "\"\\ud800\"").Append(null))
            {
                var torrent = AnswerReader.ReadTorrents(Changed(answer.Body, path, odd)).Single();
                Assert.That(Differences(whole, torrent), Is.LessThanOrEqualTo(1), $"{path[1]} = {odd}");
            }
        }
    }

    [Test]
    public void AnyBytes_OfAnyAnswer_AreAValueOrRefused()
    {
        var answers = TranscriptAnswer.All().ToList();
        var random = new Random(57);
        for (var i = 0; i < 15_000; i++)
        {
            var answer = answers[random.Next(answers.Count)];
            Try(answer, Mangle(answer.Body, random));
        }
    }

    [Test]
    public void LongAnswers_InPiecesOfAnyLength_AreReadAlike()
    {
        var random = new Random(5);
        foreach (var answer in TranscriptAnswer.All().Where(static answer => answer.Name is "maindata-full" or "info-all" or "files" or "states-all"))
        {
            var whole = answer.Read(answer.Body);
            switch (whole)
            {
                case MainDataRecord data:
                    var same = Scrambled.ReadInPieces(answer.Body, AnswerReader.MainData(), random);
                    Assert.That(same.Torrents, Is.EquivalentTo(data.Torrents!));
                    Assert.That((same.Rid, same.FullUpdate, same.ServerState), Is.EqualTo((data.Rid, data.FullUpdate, data.ServerState)));
                    break;
                case List<TorrentRecord> torrents:
                    Assert.That(Scrambled.ReadInPieces(answer.Body, AnswerReader.Torrents(), random), Is.EqualTo(torrents));
                    break;
                case List<FileRecord> files:
                    Assert.That(Scrambled.ReadInPieces(answer.Body, AnswerReader.Files(), random), Is.EqualTo(files));
                    break;
                case Pieces.PieceBitmap pieces:
                    Assert.That(Scrambled.ReadInPieces(answer.Body, AnswerReader.PieceStates(pieces.Length), random).ToBytes(), Is.EqualTo(pieces.ToBytes()));
                    break;
            }
        }
    }

    private static void Try(TranscriptAnswer answer, byte[] body)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var bound = (8 * body.Length) + Constant;
        try
        {
            answer.Read(body);
        }
        catch (JsonException)
        {
            // The pipeline makes it a broken answer.
            bound += Refusal;
        }
        catch (Exception fault)
        {
            Assert.Fail($"{answer}: {Encoding.UTF8.GetString(body)}\n{fault}");
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > bound)
        {
            Assert.Fail($"{answer}: {allocated} bytes for {body.Length}: {Encoding.UTF8.GetString(body)}");
        }
    }

    private static IEnumerable<string[]> Paths(JsonNode node, string[] above)
    {
        switch (node)
        {
            case JsonObject fields:
                foreach (var (name, value) in fields)
                {
                    string[] path = [.. above, name];
                    yield return path;
                    foreach (var below in value is null ? [] : Paths(value, path))
                    {
                        yield return below;
                    }
                }

                break;
            case JsonArray { Count: > 0 } list:
                string[] first = [.. above, "0"];
                yield return first;
                foreach (var below in list[0] is { } entry ? Paths(entry, first) : [])
                {
                    yield return below;
                }

                break;
        }
    }

    // As text, so that what no JSON tree could hold is written, too.
    private static byte[] Changed(byte[] body, string[] path, string? value)
    {
        const string Mark = "@@here@@";
        var root = JsonNode.Parse(body)!;
        var at = root;
        foreach (var name in path[..^1])
        {
            at = at is JsonArray ? at[0]! : at[name]!;
        }

        if (at is JsonArray list)
        {
            list.RemoveAt(0);
            if (value is not null)
            {
                list.Insert(0, Mark);
            }
        }
        else if (value is null)
        {
            at.AsObject().Remove(path[^1]);
        }
        else
        {
            at[path[^1]] = Mark;
        }

        return Encoding.UTF8.GetBytes(root.ToJsonString().Replace($"\"{Mark}\"", value, StringComparison.Ordinal));
    }

    private static byte[] Mangle(byte[] body, Random random)
    {
        var bytes = body.ToList();
        for (var changes = random.Next(1, 5); changes > 0 && bytes.Count > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, random.Next(1, Math.Min(40, bytes.Count - at) + 1));
                    break;
                case 2:
                    bytes.InsertRange(at, body.Skip(random.Next(body.Length)).Take(random.Next(40)));
                    break;
                case 3:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(Odd[random.Next(Odd.Length)]));
                    break;
                default:
                    bytes.RemoveRange(at, random.Next(8) == 0 ? bytes.Count - at : 0);
                    break;
            }
        }

        return [.. bytes];
    }

    private static int Differences(TorrentRecord one, TorrentRecord other) =>
        typeof(TorrentRecord).GetProperties().Count(property => !Equals(property.GetValue(one), property.GetValue(other)));
}
