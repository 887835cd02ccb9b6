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
            LinkWaitIdle = TimeSpan.FromSeconds(9),
            RegistrySweep = TimeSpan.FromSeconds(59),
            ReadBack = (ReadBackSource)2,
        };
        Assert.That(options.Validate(), Has.Count.EqualTo(11));
        Assert.That(new StorageOptions { DataRoot = "/data", StateDirectory = "/state" }.Validate(), Is.Empty);
    }
}
