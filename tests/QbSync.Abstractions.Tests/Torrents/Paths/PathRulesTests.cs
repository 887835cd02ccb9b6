using CsCheck;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Tests.Torrents.Paths;

public sealed class PathRulesTests
{
    [TestCase("", PathFaultKind.Empty)]
    [TestCase(".", PathFaultKind.DotName)]
    [TestCase("..", PathFaultKind.DotName)]
    [TestCase("a/b", PathFaultKind.BadCharacter)]
    [TestCase("a\\b", PathFaultKind.BadCharacter)]
    [TestCase("a\0b", PathFaultKind.BadCharacter)]
    [TestCase("a\nb", PathFaultKind.BadCharacter)]
    [TestCase("a\u0085b", PathFaultKind.BadCharacter)]
    [TestCase(".qbsync", PathFaultKind.Reserved)]
    [TestCase(".QbSync", PathFaultKind.Reserved)]
    [TestCase("x.qbsync-part", PathFaultKind.Reserved)]
    [TestCase("x.QBSYNC-PART", PathFaultKind.Reserved)]
    [TestCase("x.qbsync-par", null)]
    [TestCase("x.partial", null)]
    [TestCase("...", null)]
    [TestCase(".hidden", null)]
    [TestCase("日本語 😀", null)]
    [DestinationCase(7)]
    public void CheckPart_Name_Judged(string part, PathFaultKind? expected) => Assert.That(PathRules.CheckPart(part), Is.EqualTo(expected));

    [Test]
    public void CheckPart_LoneSurrogate_Refused()
    {
        Assert.That(PathRules.CheckPart("a\ud83d"), Is.EqualTo(PathFaultKind.BadCharacter));
        Assert.That(PathRules.CheckPart("\ude00a"), Is.EqualTo(PathFaultKind.BadCharacter));
        Assert.That(PathRules.CheckPart("a\ufffd"), Is.Null);
    }

    [TestCase(255, 'x', null)]
    [TestCase(256, 'x', PathFaultKind.PartTooLong)]
    [TestCase(127, 'é', null)]
    [TestCase(128, 'é', PathFaultKind.PartTooLong)]
    [DestinationCase(7)]
    public void CheckPart_Length_InBytes(int length, char character, PathFaultKind? expected) =>
        Assert.That(PathRules.CheckPart(new string(character, length)), Is.EqualTo(expected));

    [Test]
    public void CheckPath_Length_InBytesWithSeparators()
    {
        var parts = Enumerable.Repeat(new string('x', 199), 20).ToArray();
        Assert.That(PathRules.CheckPath(parts), Is.Null);
        Assert.That(PathRules.CheckPath([.. parts, "x"])?.Kind, Is.EqualTo(PathFaultKind.PathTooLong));
        Assert.That(PathRules.CheckPath([])?.Kind, Is.EqualTo(PathFaultKind.Empty));
    }

    [TestCase("README", "readme")]
    [TestCase("\u00e9", "e\u0301")]
    [TestCase("\u00c9", "e\u0301")]
    [TestCase("\u212b", "a\u030a")]
    [TestCase("\ud55c", "\u1112\u1161\u11ab")]
    [TestCase("d/A", "D/a")]
    [DestinationCase(8)]
    public void CheckAll_FoldTogether_DuplicateWithBoth(string one, string other)
    {
        var fault = PathRules.CheckAll([one.Split('/'), other.Split('/')]);
        Assert.That(fault, Is.EqualTo(new PathFault(PathFaultKind.Duplicate, other, one)));
    }

    [TestCase("a", "a/b")]
    [TestCase("a/b/c/d", "A")]
    [TestCase("x/\u00e9", "x/e\u0301/y")]
    public void CheckAll_FileIsFolder_Refused(string one, string other) =>
        Assert.That(PathRules.CheckAll([one.Split('/'), other.Split('/')])?.Kind, Is.EqualTo(PathFaultKind.FileIsFolder));

    [Test]
    public void CheckAll_ManyFilesOfOneFolder_Fine() =>
        Assert.That(PathRules.CheckAll(Enumerable.Range(0, 1000).Select(i => (string[])["folder", "sub", $"{i}"])), Is.Null);

    [Test]
    public void CheckAll_AnyPaths_WhatPassesStaysBeneathAndApart() => Gen.String[0, 6].Array[0, 4].Array[1, 5].Sample(
        paths =>
        {
            if (PathRules.CheckAll(paths) is not null)
            {
                return true;
            }

            var root = Path.Combine(Path.GetTempPath(), "root");
            var full = paths.Select(path => Path.GetFullPath(Path.Combine([root, .. path]))).ToList();
            return full.TrueForAll(path => path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal)) && full.Distinct().Count() == paths.Length;
        },
        iter: 2000);

    [Test]
    public void Decompose_KnownTexts_AsUnicodeSays()
    {
        foreach (var line in File.ReadLines(Path.Combine(TestContext.CurrentContext.TestDirectory, "Torrents", "Paths", "canonical-cases.txt")))
        {
            var sides = line.Split(" = ").Select(FromHex).ToArray();
            Assert.That(CanonicalForm.Decompose(sides[0]), Is.EqualTo(sides[1]), line);
            Assert.That(CanonicalForm.Decompose(sides[1]), Is.EqualTo(sides[1]), line);
        }
    }

    private static string FromHex(string points) =>
        string.Concat(points.Split(' ').Select(point => char.ConvertFromUtf32(int.Parse(point, System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture))));
}
