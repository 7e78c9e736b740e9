// One dashboard of Perses over one Prometheus, as Perses' own pages show it. `board` and `prometheus` are put in
// by whoever opens the page.
import { createRoot } from 'react-dom/client';
import { CssBaseline, ThemeProvider } from '@mui/material';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { QueryParamProvider } from 'use-query-params';
import { WindowHistoryAdapter } from 'use-query-params/adapters/window';
import { ChartsProvider, SnackbarProvider, generateChartsTheme, getTheme } from '@perses-dev/components';
import { PluginRegistry, ValidationProvider, dynamicImportPluginLoader } from '@perses-dev/plugin-system';
import { ViewDashboard } from '@perses-dev/dashboards';
import * as prometheusPlugin from '@perses-dev/prometheus-plugin';
import * as statChart from '@perses-dev/stat-chart-plugin';
import * as timeSeriesChart from '@perses-dev/timeseries-chart-plugin';
import * as markdown from '@perses-dev/markdown-plugin';

const { board, prometheus } = window.given;

const plugins = dynamicImportPluginLoader(
  [prometheusPlugin, statChart, timeSeriesChart, markdown].map((module) => ({
    resource: module.getPluginModule(),
    importPlugin: () => Promise.resolve(module),
  }))
);

const source = {
  kind: 'GlobalDatasource',
  metadata: { name: 'prometheus' },
  spec: {
    default: true,
    plugin: { kind: 'PrometheusDatasource', spec: { directUrl: prometheus, scrapeInterval: '2s' } },
  },
};

const sources = {
  getDatasource: async () => undefined,
  getGlobalDatasource: async () => source,
  listDatasources: async () => [],
  listGlobalDatasources: async () => [source],
};

const theme = getTheme('light');

createRoot(document.getElementById('root')).render(
  <ThemeProvider theme={theme}>
    <CssBaseline />
    <ChartsProvider chartsTheme={generateChartsTheme(theme, {})} enablePinning={false}>
      <SnackbarProvider>
        <QueryParamProvider adapter={WindowHistoryAdapter}>
          <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
            <PluginRegistry
              pluginLoader={plugins}
              defaultPluginKinds={{ Panel: 'TimeSeriesChart', TimeSeriesQuery: 'PrometheusTimeSeriesQuery' }}
            >
              <ValidationProvider>
                <ViewDashboard
                  dashboardResource={board}
                  datasourceApi={sources}
                  isReadonly
                  isVariableEnabled
                  isDatasourceEnabled={false}
                />
              </ValidationProvider>
            </PluginRegistry>
          </QueryClientProvider>
        </QueryParamProvider>
      </SnackbarProvider>
    </ChartsProvider>
  </ThemeProvider>
);
