using System.Globalization;

namespace QbSync.Testing.Networks;

/// <summary>A link as a network operator would describe it; both directions are alike.</summary>
public sealed record LinkShape
{
    /// <summary>Bits that pass in a second, headers of IP included. 0 is as fast as the machine.</summary>
    public required long BitsPerSecond { get; init; }

    /// <summary>There and back, without queue.</summary>
    public required TimeSpan RoundTrip { get; init; }

    /// <summary>Share of packets that are lost at random, each way.</summary>
    public double Loss { get; init; }

    /// <summary>Mean of what is added to a packet's delay, exponential; packets stay in order.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Bytes that may wait in front of the bottleneck, in products of rate and round trip.</summary>
    public double QueueInProducts { get; init; } = 1;

    /// <summary>Decides losses and jitter.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Bytes that may wait in front of the bottleneck: never less than some packets, or nothing passes at all.</summary>
    public long QueueBytes => Math.Max(32 * TunDevice.Mtu, (long)(QueueInProducts * BitsPerSecond / 8 * RoundTrip.TotalSeconds));

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{BitsPerSecond / 1e6:0.##} Mbit/s, {RoundTrip.TotalMilliseconds:0.##} ms{(Loss > 0 ? $", {Loss:0.##%} loss" : "")}{(Jitter > TimeSpan.Zero ? $", {Jitter.TotalMilliseconds:0.#} ms jitter" : "")}");
}
