using System.Text;
using CsCheck;
using QbSync.Testing.Specifications;
using QbSync.Torrents;
using QbSync.Torrents.Bencode;

namespace QbSync.Tests.Torrents.Bencode;

public sealed class FileNamesTests
{
    [TestCase("plain.txt", "plain.txt")]
    [TestCase("", "_")]
    [TestCase(".", "_")]
    [TestCase("..", "_")]
    [TestCase("...", "...")]
    [TestCase("/..", "_")]
    [TestCase("./.", "_")]
    [TestCase("/etc/passwd", "etcpasswd")]
    [TestCase("..\\..\\x", "....x")]
    [TestCase("C:\\x", "C:x")]
    [TestCase("a\0b\u0001c\u001f", "a_b_c_")]
    [TestCase("a\u007fb\u0085c", "a_b_c")]
    [TestCase("\u202egpj.exe", "gpj.exe")]
    [TestCase("a\u200b\u200f\u2060\u2066\ufeff\u061cb", "ab")]
    [TestCase("日本語 😀", "日本語 😀")]
    [TestCase(" spaces and dots. ", " spaces and dots. ")]
    [DestinationCase(6)]
    [DestinationCase(7)]
    public void Sanitize_Text_AsLibtorrent(string raw, string expected) => Assert.That(Hostile.PathOf(raw), Is.EqualTo(expected));

    [TestCase(new byte[] { 0x61, 0xff, 0x62 }, "a_b", TestName = "Sanitize_InvalidLead_OneByte")]
    [TestCase(new byte[] { 0x61, 0xc3, 0x62, 0x63 }, "a_c", TestName = "Sanitize_BrokenPair_TakesBoth")]
    [TestCase(new byte[] { 0x61, 0xe2, 0x82 }, "a_", TestName = "Sanitize_CutSequence_One")]
    [TestCase(new byte[] { 0xc0, 0xaf, 0x78 }, "_x", TestName = "Sanitize_OverlongSlash_NoSlash")]
    [TestCase(new byte[] { 0xe0, 0x80, 0xaf, 0x78 }, "_x", TestName = "Sanitize_OverlongSlashOfThree_NoSlash")]
    [TestCase(new byte[] { 0xed, 0xa0, 0x80, 0x78 }, "_x", TestName = "Sanitize_Surrogate_Replaced")]
    [TestCase(new byte[] { 0xf8, 0x88, 0x80, 0x80, 0x80, 0x78 }, "_x", TestName = "Sanitize_FiveBytes_One")]
    [TestCase(new byte[] { 0xf4, 0x90, 0x80, 0x80, 0x78 }, "_x", TestName = "Sanitize_BeyondUnicode_One")]
    [DestinationCase(6)]
    [DestinationCase(7)]
    public void Sanitize_BrokenUtf8_Underscore(byte[] raw, string expected) => Assert.That(Hostile.PathOf(raw), Is.EqualTo(expected));

    [TestCase(235, ".mkv", 235, ".mkv")]
    [TestCase(239, ".mkv", 239, ".", TestName = "Sanitize_DotIsTheLastByteKept_AsLibtorrentDoes")]
    [TestCase(300, ".mkv", 240, ".mkv")]
    [TestCase(300, ".longextens", 240, "")]
    [TestCase(300, ".12345678", 240, ".12345678")]
    [TestCase(300, "", 240, "")]
    [DestinationCase(6)]
    [DestinationCase(7)]
    public void Sanitize_Long_CutAndExtensionKept(int length, string extension, int kept, string keptExtension) =>
        Assert.That(Hostile.PathOf(new string('x', length) + extension), Is.EqualTo(new string('x', kept) + keptExtension));

    [Test]
    [DestinationCase(6)]
    [DestinationCase(7)]
    public void Sanitize_ForWindows_ItsRules()
    {
        Assert.That(NameSanitizer.Sanitize("a?b<c>d\"e:f*g|h. . "u8, forWindows: true), Is.EqualTo("a_b_c_d_e_f_g_h"));
        Assert.That(NameSanitizer.Sanitize("..."u8, forWindows: true), Is.Null);
    }

    [Test]
    [DestinationCase(6)]
    public void SafePath_AnyInput_StaysBeneath() => Gen.Select(
        Gen.Bool,
        Gen.OneOf(
            Gen.Byte.Array[0, 300],
            Gen.OneOf("..", ".", "/", "\\", "\0", "\u202e", "a", "~", "C:", "é", "\u200b", " ", ".qbsync").Array[0, 8].Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts)))).Array[1, 5]).Sample(
        (isSingle, parts) =>
        {
            var info = isSingle ? Hostile.SingleInfo() : Hostile.MultiInfo(Hostile.File(1, [.. parts]));
            info["name"] = parts[0];
            TorrentManifest manifest;
            try
            {
                manifest = Hostile.Parse(info);
            }
            catch (TorrentFormatException)
            {
                return true;
            }

            var root = Path.Combine(Path.GetTempPath(), "root");
            return manifest.Files.All(file =>
                Path.GetFullPath(Path.Combine([root, .. file.Path])).StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal)
                && file.Path.All(part => PathRules.CheckPart(part) is null)
                && Path.GetFullPath(Path.Combine([root, .. file.Path])) == Path.Combine([root, .. file.Path]));
        },
        iter: 3000);

    [Test]
    [DestinationCase(6)]
    public void SafePath_TwoFiles_NeverShareAPath() => Gen.OneOf("a", "A", "a.txt", "A.TXT", "é", "e\u0301", "É", "b", ".", "\u200ba").Array[1, 3].Array[2, 6].Sample(
        paths =>
        {
            TorrentManifest manifest;
            try
            {
                manifest = Hostile.Parse(Hostile.MultiInfo([.. paths.Select(path => Hostile.File(1, [.. path]))]));
            }
            catch (TorrentFormatException)
            {
                return true;
            }

            var folded = manifest.Files.Select(file => PathRules.Fold(PathRules.Join(file.Path))).ToList();
            return folded.Distinct().Count() == folded.Count && !folded.Exists(path => folded.Exists(other => other.StartsWith(path + '/', StringComparison.Ordinal)));
        },
        iter: 3000);

    [Test]
    [DestinationCase(8)]
    public void Parse_EqualNames_NumberedAsLibtorrent() => Assert.That(
        Hostile.Parse(Hostile.MultiInfo(Hostile.File(1, "a.b.txt"), Hostile.File(1, "A.B.TXT"), Hostile.File(1, "a.b.txt"), Hostile.File(1, "dir", "x"), Hostile.File(1, "DIR"), Hostile.File(1, "a.b.1.txt")))
            .Files.Select(file => PathRules.Join(file.Path)),
        Is.EqualTo((string[])["folder/a.b.txt", "folder/A.B.1.TXT", "folder/a.b.2.txt", "folder/dir/x", "folder/DIR.1", "folder/a.b.1.1.txt"]));

    [Test]
    public void Parse_ThousandEqualNames_Refused() => Assert.That(
        () => Hostile.Parse(Hostile.MultiInfo([.. Enumerable.Repeat(Hostile.File(1, "a"), 1000)])),
        Throws.TypeOf<TorrentFormatException>());

    [Test]
    [DestinationCase(8)]
    public void Parse_NamesFoldTogether_RefusedWithBoth() => Assert.That(
        () => Hostile.Parse(Hostile.MultiInfo(Hostile.File(1, "\u00e9"), Hostile.File(1, "e\u0301"))),
        Throws.TypeOf<TorrentFormatException>().With.Message.Contains("\u00e9").And.Message.Contains("e\u0301"));

    [TestCase(".qbsync")]
    [TestCase(".QBSYNC")]
    [TestCase("x.qbsync-part")]
    [DestinationCase(7)]
    public void Parse_ReservedName_Refused(string name)
    {
        Assert.That(() => Hostile.PathOf("sub", name), Throws.TypeOf<TorrentFormatException>());
        Assert.That(() => Hostile.PathOf(name, "x"), Throws.TypeOf<TorrentFormatException>());
        var single = Hostile.SingleInfo();
        single["name"] = name;
        Assert.That(() => Hostile.Parse(single), Throws.TypeOf<TorrentFormatException>());
    }

    [Test]
    public void Parse_PathTooLong_Refused() => Assert.That(
        () => Hostile.PathOf([.. Enumerable.Repeat(new string('x', 200), 20)]),
        Throws.TypeOf<TorrentFormatException>().With.Message.Contains("PathTooLong"));

    [Test]
    [DestinationCase(2)]
    public void Parse_Utf8Keys_Win()
    {
        var file = Hostile.File(1, "wrong");
        file["path.utf-8"] = Hostile.List("sub", "right");
        var info = Hostile.MultiInfo(file);
        info["name.utf-8"] = "right name";
        Assert.That(PathRules.Join(Hostile.Parse(info).Files[0].Path), Is.EqualTo("right name/sub/right"));
    }

    [TestCase(".")]
    [TestCase("..")]
    [TestCase("///")]
    public void Parse_NothingLeftOfTopName_IsTheHash(string name)
    {
        var info = Hostile.SingleInfo();
        info["name"] = name;
        var manifest = Hostile.Parse(info);
        Assert.That(manifest.Name, Is.EqualTo(manifest.V1.ToString()));
    }
}
