namespace QbSync.Storage.Tests;

public sealed class StorageOptionsTests
{
    [Test]
    public void Validate_NamesEveryOptionThatIsWrong_AtOnce()
    {
        var options = new StorageOptions
        {
            DataRoot = "relative",
            StateDirectory = "",
            FlushInterval = TimeSpan.FromMilliseconds(99),
            FlushBytes = 1,
            MaxOpenFiles = 15,
            SyncParallelism = 65,
            MinFreeBytes = -1,
            ReaderOpenFiles = 70_000,
        };
        Assert.That(options.Validate(), Has.Count.EqualTo(8));
        Assert.That(new StorageOptions { DataRoot = "/data", StateDirectory = "/state" }.Validate(), Is.Empty);
    }
}
