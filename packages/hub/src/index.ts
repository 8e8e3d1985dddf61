export type {
  Awaitable,
  Broker,
  BrokerGuarantees,
  BrokerSink,
  HistoryPage,
  HistoryQuery,
  Lease,
  NewPublication,
  PublishOptions,
  Receipt,
  Retention,
} from './broker.ts';
