using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Storage;
using QbSync.Storage.Pieces;

namespace QbSync.Testing.FileSystems;

internal sealed partial class SimFileSystem
{
    /// <summary>A store upon this file system, for tests that see nothing else of a store's inside.</summary>
    public TorrentStore NewStore(StorageOptions options, IMetricFactory metrics, CollectorRegistry registry, ILoggerFactory loggers, TimeProvider time) =>
        new(options, metrics, registry, loggers, time, this, RandomNumberGenerator.GetBytes);
}
