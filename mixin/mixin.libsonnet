// The boards and alerts for who manages them as mixins. Both are generated (`make charts`) and only imported here.
{
  _config+:: {
    // The namespace in which Keyhole runs: the alerts are about this installation alone.
    namespace: 'keyhole',
    // The address of docs/runbook.md where you publish it, to which alerts link. Without one they have no link.
    runbook: '',
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
  })),

  local linked(rule) = rule {
    annotations: {
      [name]: rule.annotations[name]
      for name in std.objectFields(rule.annotations)
      if name != 'runbook_url' || $._config.runbook != ''
    },
  },

  prometheusAlerts+:: {
    groups+: [group { rules: [linked(rule) for rule in group.rules] } for group in alerts.groups],
  },
}
