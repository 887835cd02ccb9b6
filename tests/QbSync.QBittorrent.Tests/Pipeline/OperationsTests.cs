using System.Net;
using System.Reflection;
using QbSync.QBittorrent.Pipeline;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Pipeline;

internal sealed class OperationsTests
{
    private static IEnumerable<string> Methods => EveryMethod.Of<IQBittorrentClient>().Select(static method => method.Name);

    [Test, ClientCase(55)]
    public void Operations_AreTheMethods() =>
        Assert.That(Methods, Is.EquivalentTo(Enum.GetNames<ApiOperation>().Select(static name => name + "Async")));

    [TestCaseSource(nameof(Methods)), ClientCase(55)]
    [MetricCase("C14")]
    public async Task Method_Called_IsOneCallOfItsOperationAlone(string method)
    {
        await using var client = new ScriptedClient();
        EveryMethod.Answer(client.Server);
        if (method != nameof(IQBittorrentClient.LoginAsync))
        {
            await client.Client.DescribeAsync(false, default).AsTask().DefaultTimeout();
        }
        else
        {
            // The only one that has nothing to do where no login is wanted.
            return;
        }

        var (sent, before) = (client.Server.Requests.Count, Count(client));
        await EveryMethod.CallAsync(client.Api, typeof(IQBittorrentClient).GetMethod(method)!, default).DefaultTimeout();
        var after = Count(client);

        Assert.That(client.Server.Requests.Count - sent, Is.EqualTo(1));
        Assert.That(after.Where(pair => pair.Value != before.GetValueOrDefault(pair.Key)).Select(static pair => (pair.Key + "Async", pair.Value)), Is.EqualTo(new[] { (method, before.GetValueOrDefault(method[..^5]) + 1) }));
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

    private static Dictionary<string, double> Count(ScriptedClient client) => Enum.GetNames<ApiOperation>()
        .Select(name => (name, value: client.Metric("qbsync_qb_api_calls_total", name)))
        .Where(static pair => !double.IsNaN(pair.value)).ToDictionary(static pair => pair.name, static pair => pair.value);
}
