export { LmdbBroker, type LmdbBrokerOptions } from './lmdb-broker.ts';
export type { FsyncPolicy } from './store.ts';
export { StoreError, type StoreErrorCode } from './store-error.ts';
