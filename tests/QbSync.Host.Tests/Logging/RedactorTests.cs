using QbSync.Host.Logging;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Logging;

internal sealed class RedactorTests
{
    private readonly Redactor _redactor = new(["s3cret word", "abc"]);

    [TestCase("the password s3cret word was refused", "the password *** was refused")]
    [TestCase("GET /?x=s3cret%20word", "GET /?x=***")]
    [TestCase("abc is in too many words", "abc is in too many words")]
    [TestCase("http://user:pw@nas:8080/x", "http://***@nas:8080/x")]
    [TestCase("https://t.test/announce?passkey=0123456789abcdef&x=1", "https://t.test/announce?passkey=***&x=1")]
    [TestCase("https://t.test/0123456789abcdef0123/announce", "https://t.test/***/announce")]
    [TestCase("https://t.test/announce/0123456789abcdef", "https://t.test/announce/***")]
    [TestCase("Cookie: SID=q1w2e3; QBT_SID_8080=zz", "Cookie: SID=***; QBT_SID_8080=***")]
    [TestCase("Authorization: Bearer abcdef.ghi", "Authorization: Bearer ***")]
    [TestCase("{\"token\": \"abcdefg\"}", "{\"token\": \"***\"}")]
    [TestCase("https://chat.test/api/webhooks/12345/xyz-abc", "https://chat.test/api/webhooks/***")]
    [TestCase("--qb-password: /run/secrets/x can be read by others", "--qb-password: /run/secrets/x can be read by others")]
    [TestCase("A call was refused: its token is missing or wrong.", "A call was refused: its token is missing or wrong.")]
    [HostCase(7)]
    public void Text_WithWhatNobodyMayRead_HasItNoMore(string text, string expected) => Assert.That(_redactor.Redact(text), Is.EqualTo(expected));
}
