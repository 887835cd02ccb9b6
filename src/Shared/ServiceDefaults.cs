using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Prometheus;

namespace QbSync.Shared;

/// <summary>What every package of the family takes from a container, and what it takes where the container has nothing.</summary>
internal static class ServiceDefaults
{
    /// <summary>A clock and a registry of this container's own, unless it has them: never the process-wide one, which two containers would share.</summary>
    public static IServiceCollection AddClockAndMetrics(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(static _ => Metrics.NewCustomRegistry());
        services.TryAddSingleton<IMetricFactory>(static provider => Metrics.WithCustomRegistry(provider.GetRequiredService<CollectorRegistry>()));
        return services;
    }

    /// <summary>Options that are set by <paramref name="configure"/>, and are refused with everything that is wrong with them.</summary>
    /// <returns>The builder, for options that come from elsewhere too.</returns>
    public static OptionsBuilder<T> AddChecked<T>(this IServiceCollection services, Action<T>? configure, Func<T, IReadOnlyList<string>> findErrors)
        where T : class, new()
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<T>>(new Check<T>(findErrors)));
        var builder = services.AddOptions<T>().ValidateOnStart();
        return configure is null ? builder : builder.Configure(configure);
    }

    /// <summary>The options as they are after everybody has set them.</summary>
    public static T Options<T>(this IServiceProvider provider)
        where T : class, new() => provider.GetRequiredService<IOptions<T>>().Value;

    /// <summary>The container's logging, or none. Asked late: logging may be added after the packages.</summary>
    public static ILoggerFactory Loggers(this IServiceProvider provider) => provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance;

    /// <summary>The container's chance, or one's own.</summary>
    public static Random Chance(this IServiceProvider provider) => provider.GetService<Random>() ?? new Random();

    private sealed class Check<T>(Func<T, IReadOnlyList<string>> findErrors) : IValidateOptions<T>
        where T : class
    {
        public ValidateOptionsResult Validate(string? name, T options) =>
            findErrors(options) is { Count: > 0 } errors ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }
}
