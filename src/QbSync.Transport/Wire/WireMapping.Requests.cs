using QbSync.Ports;
using QbSync.Torrents;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Wire;

internal static partial class WireMapping
{
    public static InitHeader ToWire(InitRequest request) => new()
    {
        Id = ToWire(request.Id),
        Selection = ToWire(request.Selection),
        Place = ToWire(request.Place),
        Parameters = ToWire(request.Parameters),
        TorrentBytes = (ulong)request.Torrent.Length,
        Table = ToWire(request.FilesDigest),
        Downloading = request.IsDownloading,
    };

    public static InitRequest ToDomain(InitHeader wire, ReadOnlyMemory<byte> torrent, IReadOnlyList<SourceFile>? files) => new()
    {
        Id = ToId(wire.Id),
        Selection = wire.Selection.Memory,
        Place = ToDomain(wire.Place),
        Parameters = ToDomain(wire.Parameters),
        Torrent = torrent,
        Files = files,
        FilesDigest = wire.Table.Length is 0 or 32 ? wire.Table.Memory : throw Malformed($"a table's digest has {wire.Table.Length} bytes"),
        IsDownloading = wire.Downloading,
    };

    public static FinalizeHeader ToWire(FinalizeRequest request)
    {
        var parameters = ToWire(request.Parameters);
        parameters.Fingerprint = ToWire(request.SelectionFingerprint);
        return new FinalizeHeader { Id = ToWire(request.Id), Parameters = parameters };
    }

    public static FinalizeRequest ToDomain(FinalizeHeader wire) => new()
    {
        Id = ToId(wire.Id),
        SelectionFingerprint = wire.Parameters?.Fingerprint.Memory ?? ReadOnlyMemory<byte>.Empty,
        Parameters = ToDomain(wire.Parameters),
    };

    public static Protocol.AbortRequest ToWire(Ports.AbortRequest request) =>
        new() { Id = ToWire(request.Id), Cause = (Protocol.AbortCause)request.Cause, Mode = (Protocol.AbortMode)request.Mode };

    /// <summary>A cause or mode that this build does not know is refused: nothing is deleted on it.</summary>
    public static Ports.AbortRequest ToDomain(Protocol.AbortRequest wire)
    {
        var (cause, mode) = ((Ports.AbortCause)wire.Cause, (Ports.AbortMode)wire.Mode);
        return Enum.IsDefined(cause) && Enum.IsDefined(mode)
            ? new Ports.AbortRequest(ToId(wire.Id), cause, mode)
            : throw Malformed($"an abort of cause {(int)wire.Cause} and mode {(int)wire.Mode} is not known");
    }

    /// <summary>
    /// Appends entries from <paramref name="next"/> on, up to about 64 KiB, as long as their places follow each other; the place after the last one.
    /// </summary>
    public static FileTable ToWire(IReadOnlyList<SourceFile> files, ref int next)
    {
        var table = new FileTable();
        var size = 0;
        for (var first = next; next < files.Count; next++)
        {
            var file = files[next];
            if (next == first)
            {
                table.First = (uint)file.FileIndex;
            }
            else if (file.FileIndex != files[next - 1].FileIndex + 1)
            {
                break;
            }

            var entry = ToWire(file);
            size += entry.CalculateSize() + 8;
            if (size > SyncLimits.UploadPart && next > first)
            {
                break;
            }

            table.Entry.Add(entry);
        }

        return table;
    }

    public static void ToDomain(FileTable wire, List<SourceFile> files)
    {
        if (wire.First > int.MaxValue - wire.Entry.Count)
        {
            throw Malformed($"a file table begins at {wire.First}");
        }

        var index = (int)wire.First;
        foreach (var entry in wire.Entry)
        {
            if (entry.Size > long.MaxValue)
            {
                throw Malformed($"a file has {entry.Size} bytes");
            }

            var identity = entry.Absent ? (FileIdentity?)null : new FileIdentity(entry.Device, entry.Inode, (long)entry.Size, entry.MtimeNs);
            files.Add(new SourceFile(index++, identity, [.. entry.Name]));
        }
    }

    private static FileEntry ToWire(SourceFile file)
    {
        var entry = file.Identity is { } identity
            ? new FileEntry { Device = identity.Device, Inode = identity.Inode, Size = NotNegative(identity.Size), MtimeNs = identity.ModifiedNanoseconds }
            : new FileEntry { Absent = true };
        entry.Name.Add(file.Name);
        return entry;
    }

    private static Protocol.Place ToWire(Ports.Place place)
    {
        var wire = new Protocol.Place { Root = place.Root, Layout = (Layout)place.Layout };
        wire.SubPath.Add(place.SubPath);
        return wire;
    }

    private static Ports.Place ToDomain(Protocol.Place? wire)
    {
        if (wire is null)
        {
            return new Ports.Place("", [], ContentLayout.Original);
        }

        var layout = (ContentLayout)wire.Layout;
        return Enum.IsDefined(layout)
            ? new Ports.Place(wire.Root, [.. wire.SubPath], layout)
            : throw Malformed($"layout {(int)wire.Layout} is not known");
    }

    private static Parameters ToWire(TorrentParameters parameters)
    {
        var wire = new Parameters { Category = parameters.Category };
        wire.Tag.Add(parameters.Tags);
        if (parameters.AddedAt is { } added)
        {
            wire.AddedMs = added.ToUnixTimeMilliseconds();
        }

        if (parameters.CompletedAt is { } completed)
        {
            wire.CompletedMs = completed.ToUnixTimeMilliseconds();
        }

        if (ToWire(parameters.Limits.Ratio, 1000) is { } ratio)
        {
            wire.RatioMilli = ratio;
        }

        if (ToWire(parameters.Limits.SeedingMinutes, 1) is { } seeding)
        {
            wire.SeedingMin = seeding;
        }

        if (ToWire(parameters.Limits.InactiveMinutes, 1) is { } inactive)
        {
            wire.InactiveMin = inactive;
        }

        return wire;
    }

    private static TorrentParameters ToDomain(Parameters? wire) => wire is null ? new TorrentParameters() : new TorrentParameters
    {
        Category = wire.Category,
        Tags = [.. wire.Tag],
        AddedAt = wire.HasAddedMs ? FromUnix(wire.AddedMs) : null,
        CompletedAt = wire.HasCompletedMs ? FromUnix(wire.CompletedMs) : null,
        Limits = new ShareLimits(
            wire.HasRatioMilli ? ToLimit(wire.RatioMilli, 1000) : ShareLimit.Global,
            wire.HasSeedingMin ? ToLimit(wire.SeedingMin, 1) : ShareLimit.Global,
            wire.HasInactiveMin ? ToLimit(wire.InactiveMin, 1) : ShareLimit.Global),
    };

    private const uint UnlimitedShare = uint.MaxValue;

    // Rounded up: an obligation is met in full.
    private static uint? ToWire(ShareLimit limit, uint scale) => limit.Kind switch
    {
        ShareLimitKind.Global => null,
        ShareLimitKind.Unlimited => UnlimitedShare,
        ShareLimitKind.Value => (uint)Math.Min(Math.Ceiling(limit.Value * scale), UnlimitedShare - 1),
    };

    private static ShareLimit ToLimit(uint wire, uint scale) =>
        wire == UnlimitedShare ? ShareLimit.Unlimited : ShareLimit.Of((double)wire / scale);
}
