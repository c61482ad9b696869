<?php
/**
 * Changes to WordPress's own tables, made as WordPress makes them, so that caches and listeners stay true.
 *
 * The backend has judged who may do this; it never writes these tables itself.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Performs effects.
 */
final class Effects {

	/**
	 * Fields of a user that may be changed.
	 */
	const USER_FIELDS = array( 'display_name', 'description', 'user_email', 'user_pass', 'user_url', 'locale', 'first_name', 'last_name', 'nickname' );

	/**
	 * Performs effects in order; the first that fails ends it.
	 *
	 * @param array $effects Effects.
	 * @return array|\WP_Error What each gave.
	 */
	public static function perform( array $effects ) {
		$results = array();
		foreach ( $effects as $effect ) {
			$done = is_array( $effect ) ? self::one( $effect ) : self::unknown();
			if ( is_wp_error( $done ) ) {
				return $done;
			}
			$results[] = $done;
		}
		return $results;
	}

	/**
	 * Answers the backend's signed call `effect`.
	 *
	 * @param array $payload Effects.
	 * @return array|\WP_Error
	 */
	public static function serve( array $payload ) {
		$results = self::perform( isset( $payload['effects'] ) && is_array( $payload['effects'] ) ? $payload['effects'] : array() );
		return is_wp_error( $results ) ? $results : array( 'results' => $results );
	}

	/**
	 * Performs one effect.
	 *
	 * @param array $effect Effect.
	 * @return true|\WP_Error
	 */
	private static function one( array $effect ) {
		switch ( $effect['kind'] ?? '' ) {
			case 'update_settings':
				return self::update_settings( (array) ( $effect['settings'] ?? array() ) );
			case 'update_user':
				return self::update_user( $effect );
			case 'update_preferences':
				return self::update_preferences( $effect );
			case 'add_role':
				return self::add_role( $effect );
			case 'note_application_password':
				return self::note_application_password( $effect );
		}
		return self::unknown();
	}

	/**
	 * Changes settings of ours.
	 *
	 * @param array $settings Settings by name.
	 * @return true
	 */
	private static function update_settings( array $settings ): bool {
		$stored = get_option( 'learnomy_settings' );
		update_option( 'learnomy_settings', array_merge( is_array( $stored ) ? $stored : array(), $settings ), true );
		// Who changed them may count on them from the answer on.
		Record::tell_now();
		return true;
	}

	/**
	 * Changes a user as the profile screen does, mails and listeners included.
	 *
	 * @param array $effect user_id, fields, meta.
	 * @return true|\WP_Error
	 */
	private static function update_user( array $effect ) {
		$user_id = (int) ( $effect['user_id'] ?? 0 );
		if ( ! get_userdata( $user_id ) ) {
			return self::no_user();
		}
		$fields = isset( $effect['fields'] ) ? array_intersect_key( (array) $effect['fields'], array_flip( self::USER_FIELDS ) ) : array();
		if ( isset( $fields['user_email'] ) ) {
			$refused = self::email_refusal( (string) $fields['user_email'], $user_id );
			if ( null !== $refused ) {
				return $refused;
			}
		}
		$refused = $fields ? self::profile_refusal( $user_id, $fields ) : null;
		if ( null !== $refused ) {
			return $refused;
		}
		if ( $fields ) {
			// WordPress takes a user's fields with slashes, as a form would send them.
			$done = wp_update_user( wp_slash( array( 'ID' => $user_id ) + $fields ) );
			if ( is_wp_error( $done ) ) {
				return $done;
			}
		}
		foreach ( isset( $effect['meta'] ) ? (array) $effect['meta'] : array() as $key => $value ) {
			if ( 0 !== strncmp( (string) $key, 'learnomy_', 9 ) ) {
				return self::unknown();
			}
			update_user_meta( $user_id, (string) $key, wp_slash( $value ) );
		}
		return true;
	}

	/**
	 * What plugins have against a change, asked as the profile screen asks them.
	 *
	 * @param int   $user_id User.
	 * @param array $fields  Changed fields.
	 * @return \WP_Error|null
	 */
	private static function profile_refusal( int $user_id, array $fields ): ?\WP_Error {
		$user   = (object) ( array( 'ID' => $user_id, 'user_login' => get_userdata( $user_id )->user_login ) + $fields );
		$errors = new \WP_Error();
		$posted = $_POST; // phpcs:ignore WordPress.Security.NonceVerification -- Put back below; the backend has judged the caller.
		if ( isset( $fields['user_pass'] ) ) {
			// Rules about passwords read the form.
			$_POST['pass1'] = wp_slash( $fields['user_pass'] );
			$_POST['pass2'] = $_POST['pass1'];
		}
		/** This action is documented in wp-admin/includes/user.php */
		do_action_ref_array( 'user_profile_update_errors', array( &$errors, true, &$user ) ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals -- Core's own.
		$_POST = $posted;
		if ( ! $errors->has_errors() ) {
			return null;
		}
		return new \WP_Error( $errors->get_error_code(), $errors->get_error_message(), array( 'status' => 400 ) );
	}

	/**
	 * Changes a user's preferences.
	 *
	 * @param array $effect user_id, preferences.
	 * @return true|\WP_Error
	 */
	private static function update_preferences( array $effect ) {
		$user_id = (int) ( $effect['user_id'] ?? 0 );
		if ( ! get_userdata( $user_id ) ) {
			return self::no_user();
		}
		$stored  = get_user_meta( $user_id, 'learnomy_preferences', true );
		$changed = (array) ( $effect['preferences'] ?? array() );
		update_user_meta( $user_id, 'learnomy_preferences', wp_slash( array_merge( is_array( $stored ) ? $stored : array(), $changed ) ) );
		return true;
	}

	/**
	 * Gives a user a role of ours beside those already held.
	 *
	 * @param array $effect user_id, role.
	 * @return true|\WP_Error
	 */
	private static function add_role( array $effect ) {
		$user = get_userdata( (int) ( $effect['user_id'] ?? 0 ) );
		$role = (string) ( $effect['role'] ?? '' );
		if ( ! $user ) {
			return self::no_user();
		}
		if ( 0 !== strncmp( $role, 'lrn_', 4 ) || ! get_role( $role ) ) {
			return self::unknown();
		}
		if ( ! in_array( $role, $user->roles, true ) ) {
			$user->add_role( $role );
		}
		return true;
	}

	/**
	 * Records the use of an application password that the backend took, with its user's address.
	 *
	 * @param array $effect user_id, uuid, ip.
	 * @return true|\WP_Error
	 */
	private static function note_application_password( array $effect ) {
		$user_id = (int) ( $effect['user_id'] ?? 0 );
		if ( ! get_userdata( $user_id ) ) {
			return self::no_user();
		}
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Put back as it was.
		$mine                   = $_SERVER['REMOTE_ADDR'] ?? '';
		$_SERVER['REMOTE_ADDR'] = (string) ( $effect['ip'] ?? '' );
		$done                   = \WP_Application_Passwords::record_application_password_usage( $user_id, (string) ( $effect['uuid'] ?? '' ) );
		$_SERVER['REMOTE_ADDR'] = $mine;
		return is_wp_error( $done ) ? $done : true;
	}

	/**
	 * Why an address cannot be a user's.
	 *
	 * @param string $email   Address.
	 * @param int    $user_id User.
	 * @return \WP_Error|null
	 */
	private static function email_refusal( string $email, int $user_id ): ?\WP_Error {
		if ( ! is_email( $email ) ) {
			return new \WP_Error( 'invalid_email', __( 'This is not a valid e-mail address.', 'learnomy' ), array( 'status' => 422 ) );
		}
		$owner = email_exists( $email );
		if ( false !== $owner && $user_id !== $owner ) {
			return new \WP_Error( 'existing_user_email', __( 'This e-mail address is already in use.', 'learnomy' ), array( 'status' => 409 ) );
		}
		return null;
	}

	/**
	 * An effect that this version does not know.
	 *
	 * @return \WP_Error
	 */
	private static function unknown(): \WP_Error {
		return new \WP_Error( 'unknown_effect', __( 'The plugin is older than the backend and cannot do this. Update it.', 'learnomy' ), array( 'status' => 501 ) );
	}

	/**
	 * A user who is not there.
	 *
	 * @return \WP_Error
	 */
	private static function no_user(): \WP_Error {
		return new \WP_Error( 'not_found', __( 'This user does not exist.', 'learnomy' ), array( 'status' => 404 ) );
	}
}
