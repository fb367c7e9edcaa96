//! What developers rely on: the guide.

mod adding_a_function;
