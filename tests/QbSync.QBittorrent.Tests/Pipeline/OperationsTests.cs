using System.Net;
using System.Reflection;
using QbSync.QBittorrent.Pipeline;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Pipeline;

internal sealed class OperationsTests
{
    private static IEnumerable<string> MethodsOfASession => Methods.Where(static method => method != nameof(IQBittorrentClient.LoginAsync));

    private static IEnumerable<string> Methods => EveryMethod.Of<IQBittorrentClient>().Select(static method => method.Name);

    [Test, ClientCase(55)]
    public void Operations_AreTheMethods() =>
        Assert.That(Methods, Is.EquivalentTo(Enum.GetNames<ApiOperation>().Select(static name => name + "Async")));

    /// <summary>The library has all methods for both roles, whichever of them an engine calls.</summary>
    [Test, Combinatorial, ClientCase(55)]
    [MetricCase("C14"), MetricCase("L8")]
    public async Task Method_Called_IsOneCallOfItsOperationAlone([ValueSource(nameof(MethodsOfASession))] string method, [Values("source", "destination")] string mode)
    {
        await using var client = new ScriptedClient(mode: mode);
        EveryMethod.Answer(client.Server);
        await client.Client.DescribeAsync(false, default).AsTask().DefaultTimeout();
        var (sent, before) = (client.Server.Requests.Count, Count(client, mode));
        await EveryMethod.CallAsync(client.Api, typeof(IQBittorrentClient).GetMethod(method)!, default).DefaultTimeout();
        var after = Count(client, mode);

        Assert.That(client.Server.Requests.Count - sent, Is.EqualTo(1));
        Assert.That(Moved(before, after), Is.EqualTo(new[] { (method, 1d) }));
        Assert.That(client.Metric("qbsync_qb_api_call_duration_seconds_count", mode, method[..^5]), Is.EqualTo(after[method[..^5]]));
    }

    /// <summary>The one method that has nothing to do in a session; what it does without one is open it, which asks more than the login.</summary>
    [TestCase("source"), TestCase("destination"), ClientCase(55)]
    [MetricCase("C14"), MetricCase("L8")]
    public async Task Login_Called_IsOneLoginAndWhatASessionBeginsWith(string mode)
    {
        await using var client = new ScriptedClient(configure: static options => (options.Username, options.Password) = ("user", "p"), mode: mode);
        client.Server.Answer("app/webapiVersion", HttpStatusCode.Forbidden).Answer("auth/login", "Ok.");
        var before = Count(client, mode);
        await client.Api.LoginAsync(default).DefaultTimeout();
        var after = Count(client, mode);

        Assert.That(after["Login"], Is.EqualTo(1));
        Assert.That(client.Metric("qbsync_qb_api_call_duration_seconds_count", mode, "Login"), Is.EqualTo(1));
        Assert.That(Moved(before, after).Select(static moved => moved.Method), Is.EquivalentTo(new[]
        {
            nameof(IQBittorrentClient.LoginAsync), nameof(IQBittorrentClient.GetWebApiVersionAsync), nameof(IQBittorrentClient.GetVersionAsync),
            nameof(IQBittorrentClient.GetBuildInfoAsync), nameof(IQBittorrentClient.GetAppPreferencesAsync),
        }));
        await client.Api.LoginAsync(default).DefaultTimeout();
        Assert.That(Moved(after, Count(client, mode)), Is.Empty, "the session holds");
    }

    [Test, ClientCase(55)]
    [MetricCase("C14")]
    public async Task Login_ThatACallNeeds_CountsAsLogin()
    {
        await using var client = ScriptedClient.WithLogin();
        EveryMethod.Answer(client.Server);
        client.Server.Answer("app/webapiVersion", HttpStatusCode.Forbidden).Answer("auth/login", "Ok.");
        await client.Api.GetCategoriesAsync(default).DefaultTimeout();
        Assert.That((Count(client)["Login"], Count(client)["GetCategories"]), Is.EqualTo((1d, 1d)));
        Assert.That(client.Metric("qbsync_qb_api_call_duration_seconds_count", "Login"), Is.EqualTo(1));
    }

    [Test, ClientCase(55)]
    [MetricCase("C14")]
    [MetricCase("A30"), MetricCase("L8")]
    public async Task Call_RefusedByAnOpenBreaker_IsNotCounted()
    {
        await using var client = new ScriptedClient(configure: static options => (options.Attempts, options.BreakerThreshold) = (1, 1));
        EveryMethod.Answer(client.Server);
        client.Server.Answer("torrents/categories", HttpStatusCode.InternalServerError);
        client.Fault(() => client.Api.GetCategoriesAsync(default));
        Assert.That(client.Fault(() => client.Api.GetCategoriesAsync(default)).Fault, Is.EqualTo(ClientFault.BreakerOpen));
        Assert.That(Count(client)["GetCategories"], Is.EqualTo(1));
        Assert.That(client.Metric("qbsync_qb_api_errors_total", "breaker_open"), Is.EqualTo(1));
    }

    [TestCase(false), TestCase(true), ClientCase(55)]
    public async Task Stages_OfACall_AreInOrder(bool isReadOnly)
    {
        await using var client = new ScriptedClient(configure: options => options.ReadOnly = isReadOnly);
        List<string> stages = [];
        for (object? stage = Inner(client.Api); stage is not null; stage = Inner(stage))
        {
            stages.Add(stage.GetType().Name);
        }

        string[] expected = isReadOnly
            ? [nameof(MeteredPipeline), nameof(ReadOnlyPipeline), nameof(ResilientPipeline), nameof(SlotPipeline), nameof(SessionPipeline)]
            : [nameof(MeteredPipeline), nameof(ResilientPipeline), nameof(SlotPipeline), nameof(SessionPipeline)];
        Assert.That(stages, Is.EqualTo(expected));

        static object? Inner(object of) => of.GetType().GetFields(BindingFlags.Instance | BindingFlags.NonPublic)
            .SingleOrDefault(static field => field.FieldType == typeof(IApiPipeline))?.GetValue(of);
    }

    private static IEnumerable<(string Method, double By)> Moved(Dictionary<string, double> before, Dictionary<string, double> after) =>
        after.Where(pair => pair.Value != before[pair.Key]).Select(pair => (pair.Key + "Async", pair.Value - before[pair.Key]));

    private static Dictionary<string, double> Count(ScriptedClient client, string mode = "source") => Enum.GetNames<ApiOperation>()
        .ToDictionary(static name => name, name => client.Metric("qbsync_qb_api_calls_total", mode, name));
}
