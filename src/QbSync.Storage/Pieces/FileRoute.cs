namespace QbSync.Storage.Pieces;

/// <summary>Where the slices of incoming pieces go that lie in one selected file.</summary>
internal enum FileRoute
{
    /// <summary>Into the partial file, which is made by its first byte.</summary>
    Write = 0,

    /// <summary>Nowhere: they are compared with the file, which is only read.</summary>
    Compare = 1,

    /// <summary>Into the boundary file, until it is decided whether local content serves.</summary>
    Park = 2,
}
