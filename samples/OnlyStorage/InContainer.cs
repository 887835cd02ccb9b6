using Microsoft.Extensions.DependencyInjection;
using QbSync.Ports;

namespace OnlyStorage;

/// <summary>Store and reader from a container.</summary>
internal static class InContainer
{
    public static async Task<int> CopyAsync(CopyJob job)
    {
        var services = new ServiceCollection();
        services.AddQbSyncStorage(options =>
        {
            options.DataRoot = job.Data;
            options.StateDirectory = job.State;
            options.MinFreeBytes = 0;
        });
        await using var provider = services.BuildServiceProvider();
        return await job.RunAsync(provider.GetRequiredService<ITorrentStore>(), provider.GetRequiredService<IPieceReader>());
    }
}
