namespace QbSync.Testing.FileSystems;

/// <summary>Kinds of changes that a <see cref="SimDisk"/> is made of.</summary>
internal enum SimMutationKind
{
    /// <summary>A new file, folder or link gets a name.</summary>
    Make = 0,

    /// <summary>Bytes.</summary>
    Write = 1,

    /// <summary>A length, or reserved blocks.</summary>
    Length = 2,

    /// <summary>One name becomes another.</summary>
    Rename = 3,

    /// <summary>One more name.</summary>
    Link = 4,

    /// <summary>One name less.</summary>
    Remove = 5,

    /// <summary>The content of a file is on the device.</summary>
    SyncFile = 6,

    /// <summary>The entries of a folder are on the device.</summary>
    SyncFolder = 7,
}

/// <summary>One change. Nodes go by the id that a disk gives each of them once, so that a list of changes can be made again on another disk.</summary>
internal sealed record SimMutation(SimMutationKind Kind)
{
    /// <summary>The file, folder or link that it is about.</summary>
    public long Node { get; init; }

    /// <summary>Folder of <see cref="Name"/>.</summary>
    public long Folder { get; init; }

    /// <summary>Name that is made or removed.</summary>
    public string Name { get; init; } = "";

    /// <summary>Folder of <see cref="NewName"/>.</summary>
    public long NewFolder { get; init; }

    /// <summary>Name that a rename or link makes.</summary>
    public string NewName { get; init; } = "";

    /// <summary>Where bytes go.</summary>
    public long Offset { get; init; }

    /// <summary>The bytes; null for blocks that are only reserved.</summary>
    public byte[]? Bytes { get; init; }

    /// <summary>The new length.</summary>
    public long Length { get; init; }

    /// <summary>Whether blocks are reserved up to <see cref="Length"/>.</summary>
    public bool Reserves { get; init; }

    /// <summary>What a made node is.</summary>
    public Storage.IO.FileKind FileKind { get; init; }

    /// <summary>Inode number of a made node.</summary>
    public ulong Number { get; init; }

    /// <summary>Where a made link leads.</summary>
    public string Target { get; init; } = "";

    /// <summary>Time of the change, in nanoseconds since 1970.</summary>
    public long Time { get; init; }

    /// <summary>Whether it changes names or lengths rather than bytes.</summary>
    public bool IsMetadata => Kind is SimMutationKind.Make or SimMutationKind.Length or SimMutationKind.Rename or SimMutationKind.Link or SimMutationKind.Remove;

    /// <summary>Whether it changes the entries of a folder.</summary>
    public bool Touches(long folder) => Kind is SimMutationKind.Make or SimMutationKind.Rename or SimMutationKind.Link or SimMutationKind.Remove
        && (Folder == folder || NewFolder == folder);

    /// <inheritdoc />
    public override string ToString() => Kind switch
    {
        SimMutationKind.Write => $"write #{Node} {Offset}+{Bytes!.Length}",
        SimMutationKind.Length => $"length #{Node} {Length}",
        SimMutationKind.Make => $"make #{Folder}/{Name} = #{Node} {FileKind}",
        SimMutationKind.Rename => $"rename #{Folder}/{Name} to #{NewFolder}/{NewName}",
        SimMutationKind.Link => $"link #{Node} to #{NewFolder}/{NewName}",
        SimMutationKind.Remove => $"remove #{Folder}/{Name}",
        SimMutationKind.SyncFile => $"sync #{Node}",
        _ => $"sync folder #{Node}",
    };
}
