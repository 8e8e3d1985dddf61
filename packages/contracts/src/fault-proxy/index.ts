export { FaultProxy } from './fault-proxy.ts';
export type { Faults } from './faults.ts';
