using System.Diagnostics.CodeAnalysis;

namespace QbSync.QBittorrent.Versions;

/// <summary>The versions of qBittorrent's WebAPI that this build is made for.</summary>
public static class WebApiVersions
{
    /// <summary>The oldest that it works with at all: that of qBittorrent 4.2.</summary>
    public static Version Oldest { get; } = ToVersion(WebApiProfile.Floor);

    /// <summary>The newest that it was measured with; a newer one will most likely do.</summary>
    public static Version NewestMeasured { get; } = ToVersion(WebApiProfile.Measured);

    /// <summary>Reads a version as a server tells it, as in <c>2.11.4</c>.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out Version? version)
    {
        version = WebApiVersion.TryParse(text, out var read) ? ToVersion(read) : null;
        return version is not null;
    }

    private static Version ToVersion(WebApiVersion version) => new(version.Major, version.Minor, version.Patch);
}
