export { BROKER_CLAUSES, brokerContract, DURABLE_CLAUSES } from './broker-contract.ts';
export type { BrokerStore, Clause, OpenStore, Scope } from './support/clause.ts';
