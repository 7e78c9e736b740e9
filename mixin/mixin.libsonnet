// The boards and alerts for who manages them as mixins. Both are generated (`make charts`) and only imported here.
{
  _config+:: {
    // The namespace in which Keyhole runs: the alerts are about this installation alone.
    namespace: 'keyhole',
    // The address of docs/runbook.md where you publish it, to which alerts link. Without one they have no link.
    runbook: '',
    // The address of a Grafana that has the boards, and that of `keyhole page`; without a slash at the end. The same.
    grafana: '',
    page: '',
  },

  grafanaDashboardFolder:: 'Keyhole',

  grafanaDashboards+:: {
    'keyhole.json': import '../charts/keyhole/files/boards/keyhole.json',
    'keyhole-rotation.json': import '../charts/keyhole/files/boards/keyhole-rotation.json',
    'keyhole-changes.json': import '../charts/keyhole/files/boards/keyhole-changes.json',
  },

  local replaced(text, words) = std.foldl(function(sofar, word) std.strReplace(sofar, word, words[word]), std.objectFields(words), text),

  local alerts = std.parseYaml(replaced(importstr '../charts/keyhole/files/alerts.yaml', {
    'RELEASE-NAMESPACE': $._config.namespace,
    'RUNBOOK-ADDRESS': $._config.runbook,
    'GRAFANA-ADDRESS': $._config.grafana,
    'PAGE-ADDRESS': $._config.page,
  })),

  local addresses = {
    runbook_url: $._config.runbook,
    dashboard_url: $._config.grafana,
    page_url: $._config.page,
  },

  local linked(rule) = rule {
    annotations: {
      [name]: rule.annotations[name]
      for name in std.objectFields(rule.annotations)
      if std.get(addresses, name, default=name) != ''
    },
  },

  prometheusAlerts+:: {
    groups+: [group { rules: [linked(rule) for rule in group.rules] } for group in alerts.groups],
  },
}
