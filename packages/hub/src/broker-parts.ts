// @pulsebeacon/hub/broker-parts: what brokers that run in the hub's own process are made of.
export { ChannelLog } from './memory-broker/channel-log.ts';
export { bucketOf, Floors } from './memory-broker/floors.ts';
export { LeaseTable } from './memory-broker/lease-table.ts';
export { LogBudget } from './memory-broker/log-budget.ts';
export { Rounds } from './memory-broker/rounds.ts';
export { NodeListeners } from './node-listeners.ts';
export { SinkRegistry } from './sink-registry.ts';
