namespace QbSync.Storage.Inspection;

/// <summary>What the marker in a data folder says of it.</summary>
public enum RootMatch
{
    /// <summary>There is a marker, and the state knows none.</summary>
    Unknown = 0,

    /// <summary>It is the folder that the state knows.</summary>
    Same = 1,

    /// <summary>It is the folder of another state.</summary>
    Other = 2,

    /// <summary>There is no marker.</summary>
    NoMarker = 3,
}
