namespace QbSync.QBittorrent.Pipeline;

/// <summary>Lets nothing through that might change something: any body but a login's and a logout's. Below it no verb can write by mistake.</summary>
internal sealed class ReadOnlyPipeline(IApiPipeline next) : IApiPipeline
{
    public ValueTask<T> SendAsync<T>(ApiCall<T> call, CallProgress progress, CancellationToken cancellationToken) =>
        next.SendAsync(call with { Request = profile => Check(call.Request(profile), call.Operation) }, progress, cancellationToken);

    private static ApiRequest Check(ApiRequest request, ApiOperation operation) =>
        request.Body is null || request.Path.StartsWith("auth/", StringComparison.Ordinal)
            ? request
            : throw new TorrentClientException(ClientFault.DryRun, operation.ToString(), $"{operation} was not sent: dry run.");
}
