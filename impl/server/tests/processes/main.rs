//! Real processes on free ports of this machine: elections, kills, damaged disks, hostile bytes.

mod client;
mod cluster;
mod coordination;
mod ensemble;
mod forged;
mod hostile;
mod impostor;
mod output;
mod phases;
mod pretender;
mod usage;
