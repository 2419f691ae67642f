// What a dashboard of ours may consist of, in Grafana's own types. Its Dashboard leaves open what depends on the plugin of
// a panel (options, custom, targets); here each kind of panel that we use has the types of its plugin.
import type { Dashboard, FieldConfig, FieldConfigSource, Panel, RowPanel, TableFieldOptions, TableOptions } from "@grafana/schema";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as timeline from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";
import type { Dataquery } from "@grafana/grafana-foundation-sdk/prometheus";

// JSON has the values of an enum, not its members.
type Written<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Written<T[K]> } : T;

type Query = Omit<Dataquery, "_implementsDataqueryVariant"> & { refId: string; datasource: { type: "prometheus"; uid: "${datasource}" } };

interface Kind<Type extends string, Options, Custom>
  extends Omit<Panel, "type" | "options" | "fieldConfig" | "targets" | "gridPos" | "id" | "title"> {
  type: Type;
  id: number;
  title: string;
  gridPos: NonNullable<Panel["gridPos"]>;
  options: Options;
  fieldConfig: Omit<FieldConfigSource, "defaults"> & { defaults: Omit<FieldConfig, "custom"> & { custom?: Custom } };
  targets: Query[];
}

export type FlycatcherDashboard = Written<
  Omit<Dashboard, "panels"> & {
    panels: (
      | RowPanel
      | Kind<"timeseries", timeseries.Options, timeseries.FieldConfig>
      | Kind<"stat", stat.Options, never>
      | Kind<"table", Omit<TableOptions, "frameIndex">, TableFieldOptions>
      | Kind<"state-timeline", timeline.Options, timeline.FieldConfig>
    )[];
  }
>;
