import type { ICertificate } from "@kubernetes-models/cert-manager/cert-manager.io/v1";
import type { ICluster } from "@kubernetes-models/cloudnative-pg/postgresql.cnpg.io/v1";
import type { IExternalSecret } from "@kubernetes-models/external-secrets/external-secrets.io/v1beta1";

// Version v1 took v1beta1 over as it was; the package is older.
type ExternalSecret = Omit<IExternalSecret, "apiVersion"> & { apiVersion: "external-secrets.io/v1" };

export type OperatorsObject = ICertificate | ICluster | ExternalSecret;
