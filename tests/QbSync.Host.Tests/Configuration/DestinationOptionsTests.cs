using QbSync.Host.Configuration;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Configuration;

/// <summary>Options that belong to the destination, at, below and above their bounds.</summary>
[DestinationCase(13)]
internal sealed class DestinationOptionsTests
{
    private TempDirectory _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TempDirectory();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase("orphan-age", "59m")]
    [TestCase("orphan-age", "-1h")]
    [TestCase("orphan-age", "")]
    [TestCase("min-free", "-1")]
    [TestCase("max-stream-buffer", "-1")]
    [TestCase("max-stream-buffer", "65GiB")]
    [TestCase("max-stream-buffer", "15MiB")]
    [TestCase("stream-workers", "-1")]
    [TestCase("stream-workers", "257")]
    [TestCase("finalize-workers", "0")]
    [TestCase("finalize-workers", "17")]
    [TestCase("finalize-workers", "")]
    [TestCase("poll-interval", "199ms")]
    [TestCase("poll-interval", "61s")]
    [TestCase("poll-timeout", "9s")]
    [TestCase("poll-timeout", "25h")]
    [TestCase("publish", "files")]
    [TestCase("publish", "")]
    [TestCase("read-back", "Media")]
    [TestCase("hardlinks", "on")]
    [TestCase("hardlinks", "")]
    [TestCase("reflinks", "2")]
    [TestCase("source-removed-start", "no")]
    public void Value_OutOfItsBounds_IsAnErrorThatNamesIt(string name, string value)
    {
        Assert.That(Read(name, value, out var errors), Is.Null);
        Assert.That(errors, Has.One.StartsWith($"--{name} (from flag): "));
    }

    [TestCase("orphan-age", "1h", "01:00:00")]
    [TestCase("orphan-age", "3600", "01:00:00")]
    [TestCase("orphan-age", "30d", "30.00:00:00")]
    [TestCase("min-free", "0", "0")]
    [TestCase("min-free", "3", "3221225472")]
    [TestCase("max-stream-buffer", "16MiB", "16777216")]
    [TestCase("max-stream-buffer", "64GiB", "68719476736")]
    [TestCase("max-stream-buffer", "0", "0")]
    [TestCase("stream-workers", "0", "0")]
    [TestCase("stream-workers", "256", "256")]
    [TestCase("finalize-workers", "1", "1")]
    [TestCase("finalize-workers", "16", "16")]
    [TestCase("poll-interval", "200ms", "00:00:00.2000000")]
    [TestCase("poll-interval", "1m", "00:01:00")]
    [TestCase("poll-timeout", "10s", "00:00:10")]
    [TestCase("poll-timeout", "24h", "1.00:00:00")]
    [TestCase("publish", "torrent", "torrent")]
    [TestCase("read-back", "media", "media")]
    [TestCase("hardlinks", "false", "False")]
    [TestCase("reflinks", "1", "True")]
    [TestCase("source-removed-start", "0", "False")]
    public void Value_AtItsBounds_IsKeptExactly(string name, string value, string expected)
    {
        var settings = Read(name, value, out var errors);
        Assert.That(errors, Is.Empty);
        var parsed = settings!.Values.All.Single(option => option.Definition.Name == name).Parsed;
        Assert.That(string.Format(System.Globalization.CultureInfo.InvariantCulture, "{0}", parsed), Is.EqualTo(expected));
    }

    private RoleSettings? Read(string name, string value, out IReadOnlyList<string> errors) => RoleSettings.Read(
        Roles.Destination,
        new Dictionary<string, IReadOnlyList<string>> { ["data"] = [_folder.Path], [name] = [value] },
        new Dictionary<string, string>(),
        out errors);
}
