using System.Reflection;

namespace QbSync.ArchitectureTests;

/// <summary>The packages of the product and what each promises.</summary>
internal static class Packages
{
    public const string Abstractions = "QbSync.Abstractions";
    public const string Transport = "QbSync.Transport";
    public const string Storage = "QbSync.Storage";
    public const string QBittorrent = "QbSync.QBittorrent";
    public const string Engine = "QbSync.Engine";
    public const string Host = "QbSync.Host";

    public static IReadOnlyList<string> Libraries { get; } = [Abstractions, Transport, Storage, QBittorrent, Engine];

    public static IReadOnlyList<string> All { get; } = [.. Libraries, Host];

    public static Assembly Load(string package) => Assembly.Load(package == Host ? "qbsync" : package);

    public static string ProjectFile(string package) => $"src/{package}/{package}.csproj";

    /// <summary>First event id of a package; its block has 1000.</summary>
    public static int EventBlock(string package) => package switch
    {
        Transport => 1000,
        Storage => 2000,
        QBittorrent => 3000,
        Engine => 4000,
        Host => 5000,
        _ => 0,
    };
}
