using System.Diagnostics;
using QbSync.Testing.Specifications;
using QbSync.Throughput;
using QbSync.Throughput.Measuring;
using QbSync.Throughput.Report;

namespace QbSync.IntegrationTests.Throughput;

/// <summary>What the throughput program measures and says. Its figures are for a quiet machine; here they only have to be there.</summary>
internal sealed class ThroughputProgramTests
{
    // Four processes start; a busy machine takes its time over them.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Test]
    [TransportCase(48)]
    public void Variants_ByDefault_AreHashOnAndOffMemoryAndFileTlsOnAndOff()
    {
        var variants = ThroughputOptions.TryParse([])!.Variants.Where(static variant => variant.Layer == Layer.Transport).ToList();
        Assert.That(
            variants.Select(static variant => (variant.IsHashing, variant.IsInMemory, variant.IsEncrypted)),
            Is.EquivalentTo(from hash in (bool[])[true, false] from memory in (bool[])[true, false] from tls in (bool[])[true, false] select (hash, memory, tls)));
        Assert.That(ThroughputOptions.TryParse(["--layers", "clients"])!.Variants.Select(static variant => variant.Layer), Is.EqualTo(new[] { Layer.Clients }));
        Assert.That(ThroughputOptions.TryParse(["--layers", "nothing"]), Is.Null);
    }

    [TestCase(2.5, 15, 6, 0, true)]
    [TestCase(2.7, 15, 6, 0, false)]
    [TestCase(2.5, 16, 6, 0, false)]
    [TestCase(2.5, 15, 7, 0, false)]
    [TestCase(2.5, 15, 6, 1, false)]
    [TransportCase(48)]
    public void Goals_BelowMust_AreNotReached(double cpu, int sourceMiB, int destinationMiB, int gen2, bool isReached)
    {
        var results = new Dictionary<Variant, Runs>
        {
            [new Variant(Layer.Plain, IsHashing: false)] = Runs(new Figures { Seconds = 2, CpuSeconds = 0.5 }, new Figures { CpuSeconds = 0.5 }),
            [new Variant(Layer.Transport, IsHashing: false)] = Runs(
                new Figures { Seconds = 3, CpuSeconds = cpu / 2, AllocatedBytes = (long)sourceMiB << 20, Gen2Collections = gen2 },
                new Figures { CpuSeconds = cpu / 2, AllocatedBytes = (long)destinationMiB << 20 }),
        };
        using var said = new StringWriter();
        Assert.That(Goals.Check(said, results), Is.EqualTo(isReached));
        Assert.That(said.ToString().Contains("NOT REACHED", StringComparison.Ordinal), Is.EqualTo(!isReached));
    }

    [Test]
    [TransportCase(48)]
    public async Task Program_Runs_PrintsALineForEachVariant()
    {
        using var folder = new TempDirectory();
        var start = new ProcessStartInfo("dotnet", [typeof(ThroughputOptions).Assembly.Location, "--size", "16", "--runs", "1", "--folder", folder.Path, "--layers", "transport", "--only", "memory, hash"])
        {
            RedirectStandardOutput = true,
        };
        using var program = Process.Start(start)!;
        var output = await program.StandardOutput.ReadToEndAsync().WaitAsync(Patience);
        await program.WaitForExitAsync().WaitAsync(Patience);
        Assert.That(program.ExitCode, Is.InRange(0, 1), output);
        foreach (var name in (string[])["transport, memory, hash", "transport, memory, hash, TLS"])
        {
            Assert.That(output, Does.Contain($"\n{name} "));
        }
    }

    private static Runs Runs(Figures source, Figures destination)
    {
        var runs = new Runs(1024);
        runs.Add(new Run(source, destination));
        return runs;
    }
}
