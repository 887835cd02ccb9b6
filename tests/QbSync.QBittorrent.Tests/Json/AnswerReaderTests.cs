using System.Text;
using System.Text.Json;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Json;

internal sealed class AnswerReaderTests
{
    private const string Hash = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    [Test]
    public void PieceStates_Mixed_AreTheTwos()
    {
        var pieces = AnswerReader.ReadPieceStates(Utf8(" [0, 2,1 ,2]\n"), 4);
        Assert.That(pieces.ToBytes(), Is.EqualTo(new byte[] { 0b0101_0000 }));
    }

    [TestCase("[2,2]", 3)]
    [TestCase("[2,2,2,2]", 3)]
    [TestCase("[2,3,2]", 3)]
    [TestCase("[2,-1,2]", 3)]
    [TestCase("[2,null,2]", 3)]
    [TestCase("[2,[2],2]", 3)]
    [TestCase("[2,\"2\",2]", 3)]
    [TestCase("[2,2.0,2]", 3)]
    [TestCase("[2,22,2]", 3)]
    [TestCase("[2,2", 3)]
    [TestCase("[2,2,2", 3)]
    [TestCase("[2,2,2] [", 3)]
    [TestCase("{}", 3)]
    [TestCase("", 3)]
    [TestCase("null", 3)]
    public void PieceStates_Else_AreRefusedAsAWhole(string text, int count) =>
        Assert.That(() => AnswerReader.ReadPieceStates(Utf8(text), count), Throws.InstanceOf<JsonException>());

    [TestCase("[2,2]")]
    [TestCase("[2,2,2,2]")]
    [TestCase("[2,3,2]")]
    [TestCase("[2,-1,2]")]
    [TestCase("[2,null,2]")]
    [TestCase("[2,[2],2]")]
    [TestCase("[2,2")]
    [ClientCase(20)]
    [SourceCase(29)]
    public async Task PieceStates_Broken_AreABrokenAnswerAndNoPiece(string text)
    {
        await using var client = new ScriptedClient(configure: static options => options.Attempts = 1);
        client.Server.Answer("torrents/pieceStates", text);
        var fault = Assert.ThrowsAsync<TorrentClientException>(async () => await client.Client.GetPiecesAsync(ScriptedClient.Id, 3, default).DefaultTimeout())!;
        Assert.That(fault.Fault, Is.EqualTo(ClientFault.BrokenAnswer));
    }

    [Test]
    public void Torrents_OddFields_AreReadOrMissing()
    {
        var torrent = Single($$$"""
            {"hash":"{{{Hash}}}","name":"ä\u00e9🎬","progress":"0.5","amount_left":1e3,"completed":"12","size":123456789012345678901234567890,
             "ratio":"NaN","uploaded":[1,{"a":2}],"has_metadata":"True","added_on":1.5,"state":7,"category":null,"unread":{"deep":[[]]},"tags":true}
            """);
        Assert.That(torrent.Name, Is.EqualTo("äé🎬"));
        Assert.That((torrent.Progress, torrent.AmountLeft, torrent.Completed, torrent.Size), Is.EqualTo((0.5, 1000L, 12L, (long?)null)));
        Assert.That((torrent.Ratio, torrent.Uploaded, torrent.HasMetadata, torrent.AddedOn), Is.EqualTo(((double?)null, (long?)null, true, 1L)));
        Assert.That((torrent.State, torrent.Category, torrent.Tags, torrent.SavePath), Is.EqualTo(("7", (string?)null, "true", (string?)null)));
    }

    [TestCase("""[{"name":"x"}]""")]
    [TestCase("""[{"hash":"xyz"}]""")]
    [TestCase("""[{"hash":null}]""")]
    [TestCase("[null]")]
    [TestCase("{}")]
    [TestCase("[1]")]
    [TestCase("[")]
    [TestCase("<html>")]
    [TestCase("")]
    [TestCase("null")]
    [TestCase("""[{"hash":"\ud800"}]""")]
    public void Torrents_WithoutIdsOrShape_AreRefused(string text) =>
        Assert.That(() => AnswerReader.ReadTorrents(Utf8(text)), Throws.InstanceOf<JsonException>());

    [Test]
    public void Answer_TooDeep_IsRefused() => Assert.That(
        () => AnswerReader.ReadTorrents(Utf8($$$"""[{"hash":"{{{Hash}}}","x":{{{new string('[', 1000)}}}{{{new string(']', 1000)}}}}]""")),
        Throws.InstanceOf<JsonException>());

    [Test]
    public void Torrents_RepeatedWords_AreOneString()
    {
        var list = AnswerReader.ReadTorrents(Utf8($$$"""[{"hash":"{{{Hash}}}","state":"stalledUP","save_path":"/data"},{"hash":"{{{Hash}}}","state":"stalledUP","save_path":"/data"}]"""));
        Assert.That(list[0].State, Is.SameAs(list[1].State));
        Assert.That(list[0].SavePath, Is.SameAs(list[1].SavePath));
    }

    [Test]
    public void MainData_BadId_IsRefused() =>
        Assert.That(() => AnswerReader.ReadMainData(Utf8("""{"rid":1,"torrents":{"nohash":{}}}""")), Throws.InstanceOf<JsonException>());

    [Test]
    public void AnyBytes_AreAValueOrRefused()
    {
        var seed = Utf8($$$"""{"rid":1,"full_update":true,"torrents":{"{{{Hash}}}":{"name":"x","state":"error","size":1}},"torrents_removed":["a"],"server_state":{"free_space_on_disk":"7"}}""");
        var random = new Random(5);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = seed.ToArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                AnswerReader.ReadMainData(bytes);
            }
            catch (JsonException)
            {
            }
        }
    }

    private static TorrentRecord Single(string json) => AnswerReader.ReadTorrents(Utf8("[" + json + "]")).Single();

    private static ReadOnlyMemory<byte> Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
