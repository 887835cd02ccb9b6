using QbSync.Transport.Security;

namespace QbSync.Transport.Tests.Security;

internal sealed class NodeIdTests
{
    [Test]
    public void Id_ForPeople_IsEightGroupsOfSevenAndReadsBack()
    {
        using var certificate = SecureNode.NewRsa();
        var id = NodeId.Of(certificate);
        var text = id.ToString();

        Assert.That(text, Does.Match("^[A-Z2-7]{7}(-[A-Z2-7]{7}){7}$"));
        Assert.That(NodeId.Parse(text), Is.EqualTo(id));
        Assert.That(NodeId.Parse(text.ToLowerInvariant().Replace("-", "", StringComparison.Ordinal)), Is.EqualTo(id));
        Assert.That(NodeId.Parse($" {text.Replace('-', ' ')} "), Is.EqualTo(id));
        Assert.That(id.ToBytes(), Is.EqualTo(System.Security.Cryptography.SHA256.HashData(certificate.RawData)));
    }

    [Test]
    public void Id_RandomBytes_ReadBack()
    {
        var random = new Random(1);
        var bytes = new byte[NodeId.Bytes];
        for (var i = 0; i < 1000; i++)
        {
            random.NextBytes(bytes);
            Assert.That(NodeId.Parse(NodeId.Read(bytes).ToString()).ToBytes(), Is.EqualTo(bytes));
        }
    }

    [Test]
    public void Id_AnySingleWrongCharacter_IsNoticed()
    {
        using var certificate = SecureNode.NewRsa();
        var text = NodeId.Of(certificate).ToString();
        for (var i = 0; i < text.Length; i++)
        {
            foreach (var other in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".Where(other => other != text[i] && text[i] != '-'))
            {
                Assert.That(NodeId.TryParse(string.Concat(text.AsSpan(0, i), [other], text.AsSpan(i + 1)), out _), Is.False, $"{other} at {i}");
            }
        }
    }

    [TestCase("")]
    [TestCase(null)]
    [TestCase("AAAAAAA")]
    [TestCase("AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAAA")]
    [TestCase("!AAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA")]
    public void Id_OtherText_IsNone(string? text) => Assert.That(NodeId.TryParse(text, out _), Is.False);

    [Test]
    public void Code_IsEightyBitsAndReadsBackHoweverItIsTyped()
    {
        var code = OneTimeCode.Make();
        Assert.That(code, Does.Match("^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$"));
        var key = OneTimeCode.ToKey(code);
        Assert.That(key, Has.Length.EqualTo(32));
        Assert.That(OneTimeCode.ToKey(code.ToLowerInvariant().Replace('-', ' ').Replace('o', '0').Replace('i', '1').Replace('b', '8')), Is.EqualTo(key));
        Assert.That(OneTimeCode.ToKey(code + "A"), Is.Null);
        Assert.That(OneTimeCode.ToKey(code[1..]), Is.Null);
        Assert.That(Enumerable.Range(0, 1000).Select(_ => OneTimeCode.Make()).Distinct().Count(), Is.EqualTo(1000));
    }
}
